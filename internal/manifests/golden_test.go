package manifests

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

var update = flag.Bool("update", false, "write the golden files")

func testOptions() Options {
	return Options{
		FleetImage:        "ghcr.io/argus-dev/argus-fleet:v1",
		OperatorNamespace: "argus-system",
		OperatorLabels:    map[string]string{"app.kubernetes.io/name": "argus-operator"},
	}
}

func testTokens() map[string][]byte {
	data := map[string][]byte{}
	for _, key := range tokens.ServerKeys() {
		data[key] = []byte("new-" + key + ",old-" + key)
	}
	return data
}

// objectsOf builds everything that the CR of a file stands for.
func objectsOf(t *testing.T, file string, cr []byte) []client.Object {
	t.Helper()
	var kind struct{ Kind string }
	decode(t, cr, &kind)
	if kind.Kind == v1alpha1.KindArgusFleet {
		return fleetObjects(t, cr)
	}
	bot := &v1alpha1.ArgusBot{}
	decode(t, cr, bot)
	target := testTarget(t, file, bot)
	objects := present(BotServiceAccount(bot), BotNetworkPolicy(bot, target, testOptions()), BotPodMonitor(bot), BotPrometheusRule(bot, target))
	for _, claim := range BotClaims(bot) {
		objects = append(objects, claim)
	}
	for _, deployment := range must(BotDeployments(bot, target, "", Forms()[0])) {
		objects = append(objects, deployment)
	}
	return objects
}

func fleetObjects(t *testing.T, cr []byte) []client.Object {
	t.Helper()
	fleet := &v1alpha1.ArgusFleet{}
	decode(t, cr, fleet)
	server := FleetServerSecret(fleet, testTokens())
	if FleetTokenSecret(fleet) != server.Name {
		server = nil
	}
	return present(
		server, FleetMemberSecret(fleet, testTokens()), FleetViewerSecret(fleet, testTokens()),
		FleetServiceAccount(fleet), FleetNetworkPolicy(fleet, testOptions()), FleetService(fleet), FleetClaim(fleet, nil),
		must(FleetDeployment(fleet, testOptions())), FleetIngress(fleet), FleetHTTPRoute(fleet), FleetServiceMonitor(fleet),
		FleetPrometheusRule(fleet),
	)
}

// testTarget is the control plane of a bot: an empty one, or that of the file beside
// the bot's that ends in .fleet.
func testTarget(t *testing.T, file string, bot *v1alpha1.ArgusBot) *FleetTarget {
	t.Helper()
	switch fleet := bot.Spec.Fleet; {
	case fleet == nil:
		return nil
	case fleet.External != nil:
		target, err := ExternalTarget(fleet.External)
		if err != nil {
			t.Fatal(err)
		}
		return target
	default:
		owner := &v1alpha1.ArgusFleet{}
		owner.Name, owner.Namespace = fleet.Ref.Name, bot.Namespace
		if cr, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".fleet"); err == nil {
			decode(t, cr, owner)
		}
		return TargetOf(owner)
	}
}

func present(objects ...client.Object) []client.Object {
	var found []client.Object
	for _, object := range objects {
		if !reflect.ValueOf(object).IsNil() {
			found = append(found, object)
		}
	}
	return found
}

func decode(t *testing.T, content []byte, into any) {
	t.Helper()
	strict := yaml.UnmarshalStrict
	if _, anything := into.(*struct{ Kind string }); anything {
		strict = yaml.Unmarshal
	}
	if err := strict(content, into); err != nil {
		t.Fatal(err)
	}
}

// crs are the CRs of testdata by file name.
func crs(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRs in testdata: %v", err)
	}
	found := map[string][]byte{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found[file] = content
	}
	return found
}

func TestGolden(t *testing.T) {
	for file, cr := range crs(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := render(t, objectsOf(t, file, cr))
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("go test ./internal/manifests -update writes the golden files; -want +got\n%s", diff)
			}
		})
	}
}

func render(t *testing.T, objects []client.Object) []byte {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, object := range objects {
		gvk, err := apiutil.GVKForObject(object, scheme)
		if err != nil {
			t.Fatal(err)
		}
		object.GetObjectKind().SetGroupVersionKind(gvk)
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes()
}

func TestBuildersArePure(t *testing.T) {
	for file, cr := range crs(t) {
		if diff := cmp.Diff(string(render(t, objectsOf(t, file, cr))), string(render(t, objectsOf(t, file, cr)))); diff != "" {
			t.Errorf("%s: two builds differ\n%s", file, diff)
		}
	}
}

// must is for CRs of testdata, which ask for nothing that is refused.
func must[T any](built T, err error) T {
	if err != nil {
		panic(err)
	}
	return built
}
