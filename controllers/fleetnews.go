package controllers

import (
	"reflect"
	"slices"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// news is what an answer has that the one before had not.
type news struct {
	// any: something is another. forAll: everybody wants to hear of it.
	any, forAll bool
	// changed are the prefixes of identities with a cluster that has changed, and valued
	// those with a cluster that has merely sent values.
	changed, valued map[string]bool
}

// newsOf compares two answers of a control plane.
func newsOf(before, now FleetAnswer) news {
	n := news{changed: map[string]bool{}, valued: map[string]bool{}}
	switch {
	case before.Asked != now.Asked, (before.Err == nil) != (now.Err == nil), (before.Status == nil) != (now.Status == nil):
		n.forAll = true
	case now.Err != nil:
		n.forAll = before.Err.Error() != now.Err.Error()
	case now.Status != nil:
		n.forAll = before.Status.Version != now.Status.Version
		n.any = !slices.Equal(fingerprints(before.Tokens), fingerprints(now.Tokens))
		n.compare(before, now)
	}
	n.any = n.any || n.forAll
	return n
}

func (n *news) compare(before, now FleetAnswer) {
	for i := range now.Status.Clusters {
		one := &now.Status.Clusters[i]
		was := before.Cluster(one.Identity)
		switch {
		case was == nil || lasting(was) != lasting(one):
			n.changed[prefixOf(one.Identity)], n.any = true, true
		case !reflect.DeepEqual(was, one):
			n.valued[prefixOf(one.Identity)], n.any = true, true
		}
	}
	for i := range before.Status.Clusters {
		if gone := before.Status.Clusters[i].Identity; now.Cluster(gone) == nil {
			n.changed[prefixOf(gone)], n.any = true, true
		}
	}
}

// lasting is what does not change with every beat.
func lasting(cluster *fleetapi.ClusterStatus) fleetapi.ClusterStatus {
	without := *cluster
	without.Guilds, without.ValuesAt = 0, nil
	return without
}

// prefixOf is the part of an identity that the clusters of a bot share.
func prefixOf(identity string) string { return identity[:strings.LastIndexByte(identity, '-')+1] }

// concerns tells whether the asker wants to hear of the news.
func (n *news) concerns(asker Asker) bool {
	if asker.Prefix == "" {
		return n.any
	}
	return n.forAll || n.changed[asker.Prefix] || asker.AwaitsValues && n.valued[asker.Prefix]
}
