package manifests

import (
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// annotationShards on a pod says which shards of how many it runs, so that a pod of an
// older layout is known by it, whatever somebody did to its environment.
const annotationShards = "argus.dev/shards"

// Layout is what a cluster runs: its range, and of how many shards.
func Layout(bot *v1alpha1.ArgusBot, shards ShardRange) string {
	return fmt.Sprintf("%s/%d", shards, bot.Spec.Sharding.Total)
}

// LayoutOf is the layout that a pod or a pod template was made for.
func LayoutOf(pod *metav1.ObjectMeta) string { return pod.Annotations[annotationShards] }

// ShardsOf are the shards that a pod runs, as its layout tells, if it does.
func ShardsOf(pod *metav1.ObjectMeta) (shards ShardRange, ok bool) {
	text, _, _ := strings.Cut(LayoutOf(pod), "/")
	first, last, several := strings.Cut(text, "-")
	if !several {
		last = first
	}
	var firstErr, lastErr error
	shards.First, firstErr = strconv.Atoi(first)
	shards.Last, lastErr = strconv.Atoi(last)
	return shards, firstErr == nil && lastErr == nil && shards.First <= shards.Last
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
