package manifests

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// ShardRange is the consecutive shards of one cluster, First to Last inclusive.
type ShardRange struct{ First, Last int }

// Count of shards in the range.
func (r ShardRange) Count() int { return r.Last - r.First + 1 }

// String is the range for people: "0-3", or "4" for a single shard.
func (r ShardRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// list is the range as bot code reads it: "0,1,2,3".
func (r ShardRange) list() string {
	ids := make([]string, 0, r.Count())
	for id := r.First; id <= r.Last; id++ {
		ids = append(ids, strconv.Itoa(id))
	}
	return strings.Join(ids, ",")
}

// ShardRanges divides the shards among the clusters, in order: the ranges are
// disjoint and complete by construction. With `clusters`, the first total mod
// clusters ranges hold one shard more than the others. The spec has passed the
// schema's rules.
func ShardRanges(sharding v1alpha1.Sharding) []ShardRange {
	counts := make([]int, 0, len(sharding.PerCluster))
	for _, count := range sharding.PerCluster {
		counts = append(counts, int(count))
	}
	if sharding.Clusters != nil {
		clusters, total := int(*sharding.Clusters), int(sharding.Total)
		for i := range clusters {
			count := total / clusters
			if i < total%clusters {
				count++
			}
			counts = append(counts, count)
		}
	}
	ranges := make([]ShardRange, 0, len(counts))
	next := 0
	for _, count := range counts {
		ranges = append(ranges, ShardRange{First: next, Last: next + count - 1})
		next += count
	}
	return ranges
}
