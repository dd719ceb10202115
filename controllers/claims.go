package controllers

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/argus-dev/argus-operator/internal/apply"
)

// growth is the size that a claim which stands is to grow to, if it is to.
func growth(live, desired *corev1.PersistentVolumeClaim) (size resource.Quantity, grows bool) {
	size = desired.Spec.Resources.Requests[corev1.ResourceStorage]
	return size, live != nil && size.Cmp(live.Spec.Resources.Requests[corev1.ResourceStorage]) > 0
}

// refusalPeriod is how long a refusal to grow counts: an administrator may have
// changed the storage class meanwhile.
const refusalPeriod = 10 * time.Minute

// growths remembers which sizes the API server has refused, by claim.
type growths struct {
	mu      sync.Mutex
	refused map[types.UID]refusedGrowth
}

type refusedGrowth struct {
	size    resource.Quantity
	message string
	at      time.Time
}

// apply makes a claim stand as desired, but for a size that the API server refuses, and
// returns what a condition should say of that. live is the claim as it is, or nil.
func (g *growths) apply(ctx context.Context, b *Base, owned apply.Ownership, live, desired *corev1.PersistentVolumeClaim) (
	claim *corev1.PersistentVolumeClaim, refusal string, err error,
) {
	size, grows := growth(live, desired)
	if grows {
		refusal = g.refusal(live.UID, size, b.Now())
		// The API server takes a larger size only for a bound claim; what it refused lately
		// is not asked for again.
		if refusal != "" || live.Status.Phase != corev1.ClaimBound {
			desired.Spec.Resources.Requests, grows = live.Spec.Resources.Requests, false
		}
	}
	claim, err = apply.Apply(ctx, b.Applier, owned, desired)
	if grows && (apierrors.IsForbidden(err) || apierrors.IsInvalid(err)) {
		// What else is wanted of the claim does not wait for its size.
		refusal = g.refuse(live.UID, size, err, b.Now())
		desired.Spec.Resources.Requests = live.Spec.Resources.Requests
		claim, err = apply.Apply(ctx, b.Applier, owned, desired)
	}
	return claim, refusal, err
}

// refuse notes that a size was refused, and returns what a condition should say of it.
func (g *growths) refuse(uid types.UID, size resource.Quantity, cause error, now time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refused == nil {
		g.refused = map[types.UID]refusedGrowth{}
	}
	maps.DeleteFunc(g.refused, func(_ types.UID, old refusedGrowth) bool { return now.Sub(old.at) >= refusalPeriod })
	message := fmt.Sprintf("the claim cannot grow to %s: %s; let its storage class allow volume expansion, "+
		"or move the state to a larger claim with a backup", size.String(), refusalCause(cause))
	g.refused[uid] = refusedGrowth{size, message, now}
	return message
}

// refusal is what was said when this size was refused lately, or "".
func (g *growths) refusal(uid types.UID, size resource.Quantity, now time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	last, ok := g.refused[uid]
	if !ok || last.size.Cmp(size) != 0 || now.Sub(last.at) >= refusalPeriod {
		return ""
	}
	return last.message
}

// refusalCause is what the API server has against a growth, without the name in front
// and the amounts behind.
func refusalCause(err error) string {
	text := oneLine(err.Error())
	if _, reason, ok := strings.Cut(text, " is forbidden: "); ok {
		text = reason
	}
	if quota, ok := exceededQuota(text); ok {
		return quota
	}
	return text
}
