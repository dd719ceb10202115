package analytics

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxName bounds a guild's or a cluster's name, in characters. A cluster's is
// its identity, which has no more and no control characters.
const maxName = 128

// Request is about whom a question is. Only Client.Request makes one that is
// answered, so that no question goes past its checks.
type Request struct{ guild, cluster string }

// Request reads guild_id (required) and cluster (optional: the identity of one
// cluster) from a request's query. It fails with ErrNoViewerToken, whatever the
// query says, and with ErrGuildRequired, ErrGuild or ErrCluster.
func (c *Client) Request(query url.Values) (Request, error) {
	guild, cluster := query.Get("guild_id"), query.Get("cluster")
	switch {
	case !c.guarded:
		return Request{}, ErrNoViewerToken
	case guild == "":
		return Request{}, ErrGuildRequired
	case !isName(guild):
		return Request{}, ErrGuild
	case !isName(cluster):
		return Request{}, ErrCluster
	}
	return Request{guild, cluster}, nil
}

func isName(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxName &&
		!hasControl(text)
}

// parameters are the request's values as ClickHouse takes them: as text in
// which a backslash begins an escape.
func (r Request) parameters() url.Values {
	escape := strings.NewReplacer(`\`, `\\`)
	values := url.Values{"param_guild_id": {escape.Replace(r.guild)}}
	if r.cluster != "" {
		values.Set("param_cluster", escape.Replace(r.cluster))
	}
	return values
}
