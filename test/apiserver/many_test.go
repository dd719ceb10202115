//go:build apiserver

package apiserver

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// An operator that starts anew looks at everything and writes nothing, however many
// objects there are.
func TestARestartOverFiveHundredObjectsCostsNoWrite(t *testing.T) {
	const fleets, bots = 250, 250
	server := ownServer(t)
	w := newWorldOn(t, server.api)
	var objects []client.Object
	for i := range fleets {
		fleet := newFleet(fmt.Sprintf("fleet-%d", i))
		fleet.Spec.HeartbeatIntervalSeconds = ptr.To[int32](300) // no poll in the course of the test
		objects = append(objects, fleet)
	}
	for i := range bots {
		bot := newBot(fmt.Sprintf("bot-%d", i), "", 1, 1)
		bot.Spec.Fleet = nil
		// A token of its own: bots that share one start after each other.
		secret := discordSecret()
		secret.Name = fmt.Sprintf("discord-%d", i)
		bot.Spec.Discord.TokenSecretRef.Name = secret.Name
		objects = append(objects, secret, bot)
	}
	var writers sync.WaitGroup
	for part := range 8 {
		writers.Go(func() {
			for i := part; i < len(objects); i += 8 {
				objects[i].SetNamespace(w.namespace)
				if err := w.api.Create(w.ctx, objects[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()

	options := operatorOptions{config: server.config, namespaces: []string{w.namespace}}
	first, err := startOperatorWith(t.Context(), newFakeFleets(), options)
	if err != nil {
		t.Fatal(err)
	}
	w.within(2*patience, time.Second, func() string { return unfinished(w, fleets+bots) })
	first.quiesce(w)
	first.stop()

	second, err := startOperatorWith(t.Context(), newFakeFleets(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer second.stop()
	w.eventually(func() string {
		for i := range bots { // none of them is Ready, so that a look begins with its Secret
			if !second.writes.hasRead("secrets", fmt.Sprintf("discord-%d", i)) {
				return fmt.Sprintf("bot-%d was not looked at", i)
			}
		}
		return ""
	})
	second.quiesce(w)
	if written := second.writes.in(w.namespace); len(written) > 0 {
		t.Errorf("%d writes after a restart, the first of them:\n%s", len(written), strings.Join(written[:min(len(written), 10)], "\n"))
	}
}

// unfinished tells what lacks a status of its newest spec, or that Deployments do.
func unfinished(w *world, deployments int) string {
	if problem := w.unseen(); problem != "" {
		return problem
	}
	list := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DeploymentList"}}
	if err := w.api.List(w.ctx, list, client.InNamespace(w.namespace)); err != nil {
		return err.Error()
	}
	if len(list.Items) < deployments {
		return fmt.Sprintf("%d of %d Deployments", len(list.Items), deployments)
	}
	return ""
}

// quiesce waits until an operator has not written for five seconds. It may go on reading:
// for bots that wait for their pods it looks at the Secrets again each minute.
func (o *runningOperator) quiesce(w *world) {
	w.Helper()
	w.eventually(func() string {
		return silent(5*time.Second, func() int { return len(o.writes.in(w.namespace)) })
	})
}
