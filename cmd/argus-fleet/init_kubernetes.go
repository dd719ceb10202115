package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// printManifests writes the ArgusFleet and the Secret that its operator would
// make. The Secret comes first, so that the operator finds it.
func printManifests(o initOptions, s secrets, out io.Writer) error {
	_, err := io.WriteString(out, serverSecret(o.name, s)+"---\n"+argusFleet(o))
	return err
}

// serverSecret has the name, labels and keys by which the operator knows it.
func serverSecret(fleet string, s secrets) string {
	encode := func(value string) string { return base64.StdEncoding.EncodeToString([]byte(value)) }
	return fmt.Sprintf(`# Written by argus-fleet init. It holds secrets.
apiVersion: v1
kind: Secret
metadata:
  name: %s-fleet-server
  labels:
    app.kubernetes.io/managed-by: argus-operator
    app.kubernetes.io/name: argus-fleet
    app.kubernetes.io/part-of: argus
    argus.dev/fleet: %s
type: Opaque
data:
  ingest-token: %s
  viewer-token: %s
  admin-token: %s
  secret-pepper: %s
`, fleet, fleet, encode(s.ingest), encode(s.viewer), encode(s.admin), encode(s.pepper))
}

func argusFleet(o initOptions) string {
	var spec strings.Builder
	if o.namespace != fleetapi.DefaultMetricPrefix {
		fmt.Fprintf(&spec, "  metricPrefix: %s\n", o.namespace)
	}
	if o.port != strconv.Itoa(fleetapi.DefaultFleetPort) {
		fmt.Fprintf(&spec, "  service:\n    port: %s\n", o.port)
	}
	if spec.Len() == 0 {
		spec.WriteString("  {}\n")
	}
	return "apiVersion: argus.dev/v1alpha1\nkind: ArgusFleet\nmetadata:\n  name: " + o.name + "\nspec:\n" + spec.String()
}
