package controllers

import (
	"encoding/pem"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// otherAuthority is a certificate that signed nothing here.
const otherAuthority = `-----BEGIN CERTIFICATE-----
MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5
MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkwFwYDVQQDExBBbWF6b24g
Um9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQwMDUyNjAwMDAwMFowOTELMAkG
A1UEBhMCVVMxDzANBgNVBAoTBkFtYXpvbjEZMBcGA1UEAxMQQW1hem9uIFJvb3Qg
Q0EgMzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCmXp8ZBf8ANm+gBG1bG8lKl
ui2yEujSLtf6ycXYqm0fc4E7O5hrOXwzpcVOho6AF2hiRVd9RFgdszflZwjrZt6j
QjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgGGMB0GA1UdDgQWBBSr
ttvXBp43rDCGB5Fwx5zEGbF4wDAKBggqhkjOPQQDAgNJADBGAiEA4IWSoxe3jfkr
BqWTrBqYaGFy+uGh0PsceGCmQ5nFuMQCIQCcAu/xlJyzlvnrxir4tiz+OpAUFteM
YyRIHN8wfdVoOw==
-----END CERTIFICATE-----
`

func authorityIn(kind v1alpha1.CAKind, key, content string) client.Object {
	meta := metav1.ObjectMeta{Namespace: "bots", Name: "ca"}
	if kind == v1alpha1.CAInConfigMap {
		return &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{key: content}}
	}
	return &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{key: []byte(content)}}
}

// A control plane with TLS is verified by the authority that its source names, by no
// other, and by a renewed one as soon as the old one fails.
func TestAControlPlaneIsVerifiedByItsAuthority(t *testing.T) {
	server := httptest.NewTLSServer(&controlPlane{accept: "t"})
	t.Cleanup(server.Close)
	right := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for sentence, tc := range map[string]struct {
		kind    v1alpha1.CAKind
		key     string
		content string
		want    string
	}{
		"the right one in a Secret":        {v1alpha1.CAInSecret, "ca.crt", right, ""},
		"the right one in a ConfigMap":     {v1alpha1.CAInConfigMap, "ca.crt", right, ""},
		"another one":                      {v1alpha1.CAInSecret, "ca.crt", otherAuthority, `the control plane's certificate was not signed by the authority in Secret "ca"`},
		"no certificate":                   {v1alpha1.CAInSecret, "ca.crt", "hello", `certificate authority: Secret "ca" holds no certificate in PEM under the key "ca.crt"`},
		"one under another key":            {v1alpha1.CAInConfigMap, "other", right, `certificate authority: ConfigMap "ca" holds no certificate in PEM under the key "ca.crt"`},
		"none, so the public ones must do": {"", "ca.crt", right, "the control plane's certificate was not signed by a public authority"},
	} {
		t.Run(sentence, func(t *testing.T) {
			source := FleetSource{URL: server.URL, Namespace: "bots", Viewer: v1alpha1.SecretKeyRef{Name: "viewer", Key: "token"}}
			if tc.kind != "" {
				source.CA = Authority{Kind: tc.kind, Name: "ca", Key: "ca.crt"}
			}
			reader := fake.NewClientBuilder().WithObjects(viewerSecret("t"), authorityIn(tc.kind, tc.key, tc.content)).Build()
			poller := startPoller(t, reader, false)
			if tc.want == "" {
				waitAnswer(t, poller, source, good)
				return
			}
			if answer := waitAnswer(t, poller, source, bad); answer.Err.Error() != tc.want {
				t.Errorf("the answer is %q\n    want %q", answer.Err, tc.want)
			}
			if tc.kind == "" {
				return
			}
			if err := reader.Update(t.Context(), authorityIn(tc.kind, "ca.crt", right)); err != nil {
				t.Fatal(err)
			}
			waitAnswer(t, poller, source, good)
		})
	}
}

// An authority is read once, not at every poll.
func TestAnAuthorityIsReadOnce(t *testing.T) {
	server := httptest.NewTLSServer(&controlPlane{accept: "t"})
	t.Cleanup(server.Close)
	right := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	reader := fake.NewClientBuilder().WithObjects(viewerSecret("t"), authorityIn(v1alpha1.CAInSecret, "ca.crt", right)).Build()
	poller := startPoller(t, reader, false)
	source := FleetSource{
		URL: server.URL, Namespace: "bots", Viewer: v1alpha1.SecretKeyRef{Name: "viewer", Key: "token"},
		CA: Authority{Kind: v1alpha1.CAInSecret, Name: "ca", Key: "ca.crt"},
	}
	waitAnswer(t, poller, source, good)
	if err := reader.Delete(t.Context(), authorityIn(v1alpha1.CAInSecret, "ca.crt", "")); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if answer := poller.Answer(source, time.Millisecond, asker); answer.Err != nil {
			t.Fatalf("the authority was read again: %v", answer.Err)
		}
		time.Sleep(time.Millisecond)
	}
}
