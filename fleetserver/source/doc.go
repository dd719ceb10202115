// Package source says where a cluster's values come from. A member pushes
// snapshots of its metrics; Push keeps, per identity, what is needed of them and
// answers with nine values and the shards.
package source
