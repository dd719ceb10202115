package tokens

import (
	"slices"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// kind is a kind of token that rotates: its key in the server Secret, and the surface
// that it opens.
type kind struct{ key, surface string }

// The pepper is no such kind: it is what makes the leases in the state file valid.
func ingest() kind { return kind{KeyIngest, fleetapi.SurfaceIngest} }
func viewer() kind { return kind{KeyViewer, fleetapi.SurfaceViewer} }
func admin() kind  { return kind{KeyAdmin, fleetapi.SurfaceAdmin} }

func kinds() []kind { return []kind{ingest(), viewer(), admin()} }

// Vault is what the Secrets of a control plane hold.
type Vault struct {
	// Server is the data of the Secret that the control plane reads, lists "new,old"
	// by key. It must hold every one of ServerKeys.
	Server map[string][]byte
	// Member and Viewer are what bots and people have been handed; "" for nothing. They
	// matter only where a list holds several tokens.
	Member, Viewer string
	// Marks of the rotation, which are annotations of the server Secret.
	Marks Marks
}

// MemberFingerprint names the token that members are handed, as the control plane's
// /api/config does.
func (v Vault) MemberFingerprint(member string) string {
	return v.fingerprint(fleetapi.SurfaceIngest, member)
}

func (v Vault) fingerprint(surface, token string) string {
	return fleetapi.Fingerprint(strings.TrimSpace(string(v.Server[KeyPepper])), surface, token)
}

// Several tells whether any list holds more than one token, so that what was handed
// out before has a say.
func (v Vault) Several() bool {
	for _, k := range kinds() {
		if len(List(v.Server[k.key])) > 1 {
			return true
		}
	}
	return false
}

// Settled tells whether no rotation is under way and the newest tokens are handed out.
func (v Vault) Settled() bool { return !v.Marks.open() && v.handed() }

// parts splits a list into the tokens that are to stay and those that the rotation
// under way has superseded. A list of superseded ones alone is what a person has made
// by taking back the new token: it stays as it is.
func (v Vault) parts(k kind) (fresh, stale []string) {
	all := List(v.Server[k.key])
	for _, token := range all {
		if slices.Contains(v.Marks.Superseded, v.fingerprint(k.surface, token)) {
			stale = append(stale, token)
		} else {
			fresh = append(fresh, token)
		}
	}
	if len(fresh) == 0 {
		return all, nil
	}
	return fresh, stale
}

// target is the token of a list that is to be handed out.
func (v Vault) target(k kind) string {
	fresh, _ := v.parts(k)
	return fresh[0]
}

// stale tells whether a superseded token is left in any list.
func (v Vault) stale() bool {
	for _, k := range kinds() {
		if _, stale := v.parts(k); len(stale) > 0 {
			return true
		}
	}
	return false
}

// handed tells whether members and viewers have been handed what they are to have. A
// list of one leaves no choice.
func (v Vault) handed() bool {
	done := func(k kind, current string) bool {
		return len(List(v.Server[k.key])) == 1 || current == v.target(k)
	}
	return done(ingest(), v.Member) && done(viewer(), v.Viewer)
}

// accepted tells whether the control plane accepts what is to be handed out.
func (v Vault) accepted(sight Sight) bool {
	if sight.Tokens == nil {
		return false
	}
	knows := func(k kind, infos []fleetapi.TokenInfo) bool {
		return find(infos, v.fingerprint(k.surface, v.target(k))) != nil
	}
	return knows(ingest(), sight.Tokens.Ingest) && knows(viewer(), sight.Tokens.Viewer)
}

// Handouts are the tokens that the member and the viewer Secret are to hold: the
// newest once the control plane is known to accept it, and until then the one that
// was handed out before. Where that is none of the list, it is the oldest, which the
// control plane has had the longest time to learn of.
func (v Vault) Handouts(sight Sight) (forMembers, forViewers string) {
	accepted := v.accepted(sight)
	choose := func(k kind, current string) string {
		list := List(v.Server[k.key])
		switch {
		case accepted:
			return v.target(k)
		case slices.Contains(list, current):
			return current
		default:
			return list[len(list)-1]
		}
	}
	return choose(ingest(), v.Member), choose(viewer(), v.Viewer)
}

func find(infos []fleetapi.TokenInfo, fingerprint string) *fleetapi.TokenInfo {
	i := slices.IndexFunc(infos, func(info fleetapi.TokenInfo) bool { return info.Fingerprint == fingerprint })
	if i < 0 {
		return nil
	}
	return &infos[i]
}

// List returns the tokens of a list "new,old" in order, trimmed.
func List(list []byte) []string {
	var found []string
	for token := range strings.SplitSeq(string(list), ",") {
		if token = strings.TrimSpace(token); token != "" {
			found = append(found, token)
		}
	}
	return found
}
