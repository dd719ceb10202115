package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func TestShardRanges(t *testing.T) {
	for sentence, tc := range map[string]struct {
		sharding v1alpha1.Sharding
		want     []string
	}{
		"one shard in one cluster":        {v1alpha1.Sharding{Total: 1, Clusters: ptr.To[int32](1)}, []string{"0"}},
		"an even division":                {v1alpha1.Sharding{Total: 12, Clusters: ptr.To[int32](3)}, []string{"0-3", "4-7", "8-11"}},
		"the first ones take the rest":    {v1alpha1.Sharding{Total: 5, Clusters: ptr.To[int32](3)}, []string{"0-1", "2-3", "4"}},
		"a division of the user's choice": {v1alpha1.Sharding{Total: 12, PerCluster: []int32{6, 1, 5}}, []string{"0-5", "6", "7-11"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			var got []string
			for _, shards := range ShardRanges(tc.sharding) {
				got = append(got, shards.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Every shard belongs to exactly one cluster, in order, and no two clusters differ
// by more than one shard.
func TestShardRangesAreDisjointAndComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int32Range(1, 16384).Draw(t, "total")
		clusters := rapid.Int32Range(1, min(total, 256)).Draw(t, "clusters")
		ranges := ShardRanges(v1alpha1.Sharding{Total: total, Clusters: &clusters})
		if len(ranges) != int(clusters) {
			t.Fatalf("%d ranges for %d clusters", len(ranges), clusters)
		}
		next := 0
		for _, shards := range ranges {
			if shards.First != next || shards.Count() < 1 || ranges[0].Count()-shards.Count() > 1 {
				t.Fatalf("%v after shard %d", shards, next-1)
			}
			next = shards.Last + 1
		}
		if next != int(total) {
			t.Fatalf("the ranges end at %d of %d", next, total)
		}
	})
}
