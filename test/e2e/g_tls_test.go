//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

const (
	tlsNamespace = "e2e-tls"
	tlsHost      = "main-fleet.e2e-tls.svc"
)

// A control plane with a certificate of its user's own authority, and its state in a
// claim of the user's own.
const tlsFleet = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: mine}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: argus.dev/v1alpha1
kind: ArgusFleet
metadata: {name: main}
spec:
  heartbeatIntervalSeconds: 1
  ttlFactor: 5
  tls: {secretRef: {name: cert}}
  storage: {existingClaimRef: {name: mine}}
`

func TestTLSAndAClaimOfOnesOwn(t *testing.T) {
	t.Parallel()
	namespace(t, tlsNamespace)
	ours := newAuthority(t)
	create(t, ours.secret("cert", tlsHost, 1))
	mustApply(t, tlsNamespace, tlsFleet)
	waitReady(t, tlsNamespace, "argusfleet/main")
	// The first number is taken, so that those of the others tell of the state.
	if number := register(t, ours, "first-0"); number != 1 {
		t.Fatalf("the first number of a new control plane is %d", number)
	}
	mustApply(t, tlsNamespace, wish{name: "mybot", args: "--connect-delay=10ms", sharding: "{total: 1, clusters: 1}"}.manifest())
	waitReady(t, tlsNamespace, "argusbot/mybot")
	verified(t, ours)
	renew(t, ours)
	survives(t, ours)
	must(t, "delete", "namespace", tlsNamespace, "--wait=false")
}

// verified tells of TLS on every way to the control plane: the bot beats and the
// operator reads, so each has verified the certificate.
func verified(t *testing.T, ours *authority) {
	t.Helper()
	beats(t, 2)
	const want = "https://" + tlsHost + ":9190"
	fleet, member := get(t, tlsNamespace, "main", &v1alpha1.ArgusFleet{}), bot(t, tlsNamespace, "mybot")
	if fleet.Status.URL != want || member.Status.FleetURL != want {
		t.Errorf("the address is told as %s and %s, want %s", fleet.Status.URL, member.Status.FleetURL, want)
	}
	if problem := served(t, ours, 1); problem != "" {
		t.Error(problem)
	}
	if problem := served(t, newAuthority(t), 1); !strings.Contains(problem, "unknown authority") {
		t.Errorf("an authority of somebody else's: %q", problem)
	}
}

// renew replaces the certificate, which no pod needs to be restarted for.
func renew(t *testing.T, ours *authority) {
	t.Helper()
	plane, member := onlyPod(t, tlsNamespace, fleetPods), onlyPod(t, tlsNamespace, botPods)
	secret := get(t, tlsNamespace, "cert", &corev1.Secret{})
	secret.Data = ours.secret("cert", tlsHost, 2).Data
	if err := api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { return served(t, ours, 2) })
	beats(t, 2)
	if onlyPod(t, tlsNamespace, fleetPods).UID != plane.UID || onlyPod(t, tlsNamespace, botPods).UID != member.UID {
		t.Error("a renewed certificate restarted a pod")
	}
}

// survives tells of the claim, which outlives its fleet, and in which the next one
// finds the state.
func survives(t *testing.T, ours *authority) {
	t.Helper()
	claim, plane := get(t, tlsNamespace, "mine", &corev1.PersistentVolumeClaim{}), onlyPod(t, tlsNamespace, fleetPods)
	must(t, "delete", "--namespace", tlsNamespace, "argusfleet/main", "--wait=true")
	eventually(t, func() string { return gone(t, plane.Name, &corev1.Pod{}) })
	now := get(t, tlsNamespace, "mine", &corev1.PersistentVolumeClaim{})
	if now.UID != claim.UID || len(now.OwnerReferences) > 0 || !now.DeletionTimestamp.IsZero() {
		t.Errorf("the claim is another one or is owned: %+v", now.ObjectMeta)
	}
	if problem := gone(t, "main-fleet-state", &corev1.PersistentVolumeClaim{}); problem != "" {
		t.Error("a claim was made beside the user's own")
	}
	mustApply(t, tlsNamespace, tlsFleet)
	waitReady(t, tlsNamespace, "argusfleet/main")
	if number := register(t, ours, "third-0"); number != 3 {
		t.Errorf("a newcomer gets the number %d, want 3: the state was lost", number)
	}
	beats(t, 2)
}

func create(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	secret.Namespace = tlsNamespace
	if err := api.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
}

func gone(t *testing.T, name string, object client.Object) string {
	t.Helper()
	err := api.Get(t.Context(), client.ObjectKey{Namespace: tlsNamespace, Name: name}, object)
	if !apierrors.IsNotFound(err) {
		return fmt.Sprintf("%s is there (%v)", name, err)
	}
	return ""
}

// register has a member join the control plane, and returns its number.
func register(t *testing.T, ours *authority, identity string) int {
	t.Helper()
	token := string(get(t, tlsNamespace, "main-fleet-member", &corev1.Secret{}).Data[tokens.KeyToken])
	member, err := fleetapi.NewClient("https://"+onlyPod(t, tlsNamespace, fleetPods).Status.PodIP+":9190", fleetapi.ClientOptions{
		Token: func() (string, error) { return token, nil },
		TLS:   &tls.Config{RootCAs: ours.pool(), ServerName: tlsHost, MinVersion: tls.VersionTLS12},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	registered, err := member.Register(t.Context(), fleetapi.RegisterRequest{Identity: identity})
	if err != nil {
		t.Fatal(err)
	}
	return registered.Number
}

// beats waits until the operator sees the bot beat, under a number.
func beats(t *testing.T, number int32) {
	t.Helper()
	eventually(t, func() string {
		clusters := get(t, tlsNamespace, "mybot", &v1alpha1.ArgusBot{}).Status.ClusterStatuses
		if len(clusters) != 1 || clusters[0].Up == nil || !*clusters[0].Up || clusters[0].Number != number {
			return fmt.Sprintf("the clusters are %+v, want one that is up under number %d", clusters, number)
		}
		return ""
	})
}

// served tells whether the control plane shows a certificate of the authority, with
// this serial number.
func served(t *testing.T, ours *authority, serial int64) string {
	t.Helper()
	address := onlyPod(t, tlsNamespace, fleetPods).Status.PodIP + ":9190"
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: ours.pool(), ServerName: tlsHost, MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	shown := connection.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber
	if shown.Int64() != serial {
		return fmt.Sprintf("the certificate has the serial number %s, want %d", shown, serial)
	}
	return ""
}
