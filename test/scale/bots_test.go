//go:build scale

package scale

import (
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const (
	fleetName = "main"
	// clusters of each bot, and shards of each cluster.
	clusters  = 3
	perBot    = 12
	perMember = perBot / clusters
	// creators write at once.
	creators = 16
)

func newFleet() *v1alpha1.ArgusFleet {
	return &v1alpha1.ArgusFleet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fleetName},
		Spec: v1alpha1.ArgusFleetSpec{
			MaxClusters: ptr.To[int32](10_000),
			Tokens:      &v1alpha1.FleetTokens{ExistingSecretRef: &v1alpha1.LocalRef{Name: tokenSecret().Name}},
		},
	}
}

func botName(i int) string { return fmt.Sprintf("bot-%d", i) }

// newBots returns bots with a token of each, whose Secrets come before them.
func newBots(count int, gate v1alpha1.RolloutGate) [][]client.Object {
	sets := make([][]client.Object, 0, count)
	for i := range count {
		token := "discord-" + botName(i)
		sets = append(sets, []client.Object{
			&corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: token},
				StringData: map[string]string{"token": "not-a-real-token"},
			},
			&v1alpha1.ArgusBot{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: botName(i)},
				Spec: v1alpha1.ArgusBotSpec{
					Image: "example.com/bot:v1",
					Fleet: &v1alpha1.BotFleet{Ref: &v1alpha1.LocalRef{Name: fleetName}},
					Discord: v1alpha1.Discord{
						TokenSecretRef: v1alpha1.SecretKeyRef{Name: token, Key: "token"},
						MaxConcurrency: ptr.To[int32](16),
					},
					Rollout:  &v1alpha1.Rollout{Gate: ptr.To(gate), MaxUnavailable: ptr.To[int32](clusters)},
					Sharding: v1alpha1.Sharding{Total: perBot, Clusters: ptr.To[int32](clusters)},
				},
			},
		})
	}
	return sets
}

// create makes sets of objects, each in order, some sets at once. They can be made again.
func (s *stage) create(sets [][]client.Object) {
	s.Helper()
	var all sync.WaitGroup
	failed := make([]error, creators)
	for part := range creators {
		all.Go(func() {
			for i := part; i < len(sets) && failed[part] == nil; i += creators {
				for _, object := range sets[i] {
					if err := s.api.Create(s.ctx, object.DeepCopyObject().(client.Object)); err != nil {
						failed[part] = fmt.Errorf("creating %T %s: %w", object, object.GetName(), err)
					}
				}
			}
		})
	}
	all.Wait()
	s.must(errors.Join(failed...))
}
