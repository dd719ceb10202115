package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNext(t *testing.T) {
	missing := Cluster{}
	done := Cluster{Exists: true, Updated: true, Available: true}
	starting := Cluster{Exists: true, Updated: true}
	old := Cluster{Exists: true, Available: true}
	broken := Cluster{Exists: true}
	drifted := Cluster{Exists: true, Drifted: true, Available: true}

	for sentence, tc := range map[string]struct {
		clusters []Cluster
		want     []int
	}{
		"all are created at once":                                   {[]Cluster{missing, missing}, []int{0, 1}},
		"a missing one is created beside running ones":              {[]Cluster{done, missing}, []int{1}},
		"nothing is to be done":                                     {[]Cluster{done, done}, nil},
		"a starting one is waited for":                              {[]Cluster{starting, done}, nil},
		"cluster 0 is the canary":                                   {[]Cluster{old, old, old}, []int{0}},
		"the canary is waited for":                                  {[]Cluster{starting, old, old}, nil},
		"the next follows an available canary":                      {[]Cluster{done, old, old}, []int{1}},
		"a broken one comes before the canary":                      {[]Cluster{old, broken, broken}, []int{1}},
		"a broken one waits for a fixed one to become available":    {[]Cluster{old, starting, broken}, nil},
		"a canary that a new change can fix is changed first":       {[]Cluster{broken, old}, []int{0}},
		"what was changed by hand is put right beside a broken one": {[]Cluster{drifted, starting, old}, []int{0}},
		"all that were changed by hand are put right":               {[]Cluster{drifted, drifted, old}, []int{0, 1}},
		"a missing one is created before anything is changed":       {[]Cluster{old, missing}, []int{1}},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Next(tc.clusters)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// However clusters fail and recover, a rollout never takes a second available
// cluster down while another is down, and it ends once all recover.
func TestNextNeverTakesASecondClusterDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clusters := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Cluster {
			return Cluster{Exists: true, Updated: rapid.Bool().Draw(t, "updated"), Available: rapid.Bool().Draw(t, "available")}
		}), 1, 12).Draw(t, "clusters")
		for range 3 * len(clusters) {
			write(t, clusters)
			recovering := rapid.IntRange(0, len(clusters)-1).Draw(t, "recovering")
			comeUp(clusters[recovering : recovering+1])
		}
		for range clusters {
			comeUp(clusters)
			write(t, clusters)
		}
		for i, cluster := range clusters {
			if !cluster.Updated {
				t.Fatalf("cluster %d was never changed: %+v", i, clusters)
			}
		}
	})
}

// write does what Next says, and checks that it may.
func write(t *rapid.T, clusters []Cluster) {
	for _, i := range Next(clusters) {
		for j, other := range clusters {
			if clusters[i].Available && j != i && !other.Available {
				t.Fatalf("cluster %d would be taken down while %d is down: %+v", i, j, clusters)
			}
		}
		clusters[i] = Cluster{Exists: true, Updated: true}
	}
}

// comeUp makes clusters available that are as desired.
func comeUp(clusters []Cluster) {
	for i := range clusters {
		clusters[i].Available = clusters[i].Available || clusters[i].Updated
	}
}
