//go:build apiserver

package apiserver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Every rule of the schema has a refused and an accepted case. A case is a spec as
// YAML; refused ones name the sentence that a person gets to read.
type schemaCase struct {
	name, spec string
	// update, if given, is the spec that follows; the verdict is on it.
	update string
	// refused is a part of the message, or "" for an accepted case.
	refused string
}

const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func fleetCases() map[string]schemaCase {
	return map[string]schemaCase{
		"an empty spec is a complete control plane":       {spec: `{}`},
		"a name of 40 characters":                         {name: "a" + strings.Repeat("b", 39), spec: `{}`},
		"a name of 41 characters":                         {name: "a" + strings.Repeat("b", 40), spec: `{}`, refused: "metadata.name must be at most 40"},
		"a name that starts with a digit":                 {name: "1a", spec: `{}`, refused: "metadata.name must be"},
		"a name with a dot":                               {name: "a.b", spec: `{}`, refused: "metadata.name must be"},
		"a tagged image":                                  {spec: `{image: "ghcr.io/x/fleet:v1"}`},
		"a tagged image of a registry with a port":        {spec: `{image: "localhost:5000/x/fleet:v1"}`},
		"an image by digest":                              {spec: `{image: "ghcr.io/x/fleet` + digest + `"}`},
		"an untagged image":                               {spec: `{image: "ghcr.io/x/fleet"}`, refused: "image needs a tag other than latest"},
		"a registry's port is no tag":                     {spec: `{image: "localhost:5000/fleet"}`, refused: "image needs a tag"},
		"the tag latest":                                  {spec: `{image: "x/fleet:latest"}`, refused: "image needs a tag other than latest"},
		"an empty image":                                  {spec: `{image: ""}`, refused: "image needs a tag"},
		"an interval of 0":                                {spec: `{heartbeatIntervalSeconds: 0}`, refused: "greater than or equal to 1"},
		"an interval of 301":                              {spec: `{heartbeatIntervalSeconds: 301}`, refused: "less than or equal to 300"},
		"a metric prefix":                                 {spec: `{metricPrefix: my_bot}`},
		"a metric prefix with a dash":                     {spec: `{metricPrefix: my-bot}`, refused: "metricPrefix must be a Prometheus metric name"},
		"an unknown lease mode":                           {spec: `{leases: Never}`, refused: "Unsupported value"},
		"a size":                                          {spec: `{storage: {size: 16Mi}}`},
		"a size that holds nothing":                       {spec: `{storage: {size: 1Mi}}`, refused: "size must be at least 16Mi"},
		"a growing size":                                  {spec: `{storage: {size: 1Gi}}`, update: `{storage: {size: 2048Mi}}`},
		"the same size in another notation":               {spec: `{storage: {size: 1Gi}}`, update: `{storage: {size: 1024Mi}}`},
		"a shrinking size":                                {spec: `{storage: {size: 1Gi}}`, update: `{storage: {size: 1023Mi}}`, refused: "spec.storage.size can only grow"},
		"a size that is taken away":                       {spec: `{storage: {size: 1Gi}}`, update: `{storage: {}}`, refused: "spec.storage.size can only grow"},
		"storage that is taken away with its size":        {spec: `{storage: {size: 1Gi}}`, update: `{}`, refused: "spec.storage.size can only grow"},
		"a size that comes later":                         {spec: `{}`, update: `{storage: {size: 2Gi}}`},
		"another storage class":                           {spec: `{storage: {storageClassName: a}}`, update: `{storage: {storageClassName: b}}`, refused: "storageClassName cannot change"},
		"a storage class that comes later":                {spec: `{storage: {}}`, update: `{storage: {storageClassName: b}}`, refused: "storageClassName cannot change"},
		"storage that comes later with a class":           {spec: `{}`, update: `{storage: {storageClassName: b}}`, refused: "storageClassName and accessMode cannot change"},
		"storage that is taken away with its class":       {spec: `{storage: {storageClassName: b}}`, update: `{}`, refused: "storageClassName and accessMode cannot change"},
		"the same storage class":                          {spec: `{storage: {storageClassName: a}}`, update: `{ttlFactor: 4, storage: {storageClassName: a}}`},
		"another access mode":                             {spec: `{storage: {accessMode: ReadWriteOnce}}`, update: `{storage: {accessMode: ReadWriteOncePod}}`, refused: "accessMode cannot change"},
		"a retention policy that comes later":             {spec: `{}`, update: `{storage: {retentionPolicy: Delete}}`},
		"an access mode that two pods could share":        {spec: `{storage: {accessMode: ReadWriteMany}}`, refused: "Unsupported value"},
		"a port that does not exist":                      {spec: `{service: {port: 65536}}`, refused: "less than or equal to 65535"},
		"a field that does not exist is not dropped":      {spec: `{heartbeatInterval: 5}`, refused: "unknown field"},
		"a body limit below what a snapshot needs":        {spec: `{limits: {maxBodyBytes: 10}}`, refused: "greater than or equal to 1024"},
		"a body limit above what the control plane takes": {spec: `{limits: {maxBodyBytes: 33554433}}`, refused: "less than or equal to 33554432"},
		"a network policy with a peer of one's own":       {spec: `{networkPolicy: {extraIngressFrom: [{namespaceSelector: {}}]}}`},
		"a switch that is neither on nor off":             {spec: `{networkPolicy: {state: Maybe}}`, refused: "Unsupported value"},
		"resources and where the pod may run":             {spec: `{pod: {resources: {limits: {memory: 1Gi}}, nodeSelector: {a: b}, tolerations: [{operator: Exists}]}}`},
		"origins":                                         {spec: `{corsOrigins: ["https://ops.example.com", "http://localhost:3000"]}`},
		"every origin":                                    {spec: `{corsOrigins: ["*"]}`, refused: "each of corsOrigins must be scheme://host"},
		"an origin with a path":                           {spec: `{corsOrigins: ["https://a.example.com/x"]}`, refused: "each of corsOrigins must be scheme://host"},
		"proxies":                                         {spec: `{trustedProxies: [10.0.0.0/8, "fd00::/8"]}`},
		"a proxy that is no CIDR":                         {spec: `{trustedProxies: [10.0.0.1]}`, refused: "each of trustedProxies must be a CIDR"},
		"a negative retention":                            {spec: `{retentionDays: -1}`, refused: "greater than or equal to 0"},
		"a pull secret twice":                             {spec: `{pod: {imagePullSecrets: [{name: a}, {name: a}]}}`, refused: "Duplicate value"},
		"a spread constraint twice":                       {spec: `{pod: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 2, topologyKey: z, whenUnsatisfiable: DoNotSchedule}]}}`, refused: "Duplicate value"},
		"an annotation":                                   {spec: `{pod: {annotations: {example.com/a: b}}}`},
		"an annotation that weakens AppArmor":             {spec: `{pod: {annotations: {container.apparmor.security.beta.kubernetes.io/fleet: unconfined}}}`, refused: "annotations must not change AppArmor"},
		"resources that are claimed":                      {spec: `{pod: {resources: {claims: [{name: gpu}]}}}`, refused: "unknown field"},
		"a pull secret without a name":                    {spec: `{pod: {imagePullSecrets: [{name: ""}]}}`, refused: "should be at least 1 chars long"},
		"an image with white space":                       {spec: `{image: "x/ fleet:v1"}`, refused: "image needs a tag"},
		"a tag that is too long to be one":                {spec: `{image: "x/fleet:` + strings.Repeat("a", 129) + `"}`, refused: "image needs a tag"},
		"an image by a digest that is cut short":          {spec: `{image: "x/fleet` + digest[:40] + `"}`, refused: "image needs a tag"},
		"an image with a tag and a digest":                {spec: `{image: "x/fleet:latest` + digest + `"}`},
		"the largest fleet":                               {spec: `{maxClusters: 100000}`},
		"a fleet that is larger than the largest":         {spec: `{maxClusters: 100001}`, refused: "less than or equal to 100000"},
		"a claim's class with an empty name":              {spec: `{storage: {storageClassName: ""}}`, refused: "should be at least 1 chars long"},
		"both an ingress and a ClusterIP":                 {spec: `{ingress: {host: a.example.com, tlsSecretRef: {name: c}}, service: {type: ClusterIP}}`},
		"an ingress beside a NodePort":                    {spec: `{ingress: {host: a.example.com, tlsSecretRef: {name: c}}, service: {type: NodePort}, allowInsecureExposure: true}`, refused: "ingress and httpRoute need service.type ClusterIP"},
		"a route beside a load balancer":                  {spec: `{httpRoute: {parentRefs: [{name: g}]}, service: {type: LoadBalancer}, tls: {secretRef: {name: c}}}`, refused: "ingress and httpRoute need service.type ClusterIP"},
		"a route":                                         {spec: `{httpRoute: {parentRefs: [{name: g, namespace: gateways, sectionName: https}], hostnames: [a.example.com, "*.example.com"]}}`},
		"a route to nowhere":                              {spec: `{httpRoute: {parentRefs: []}}`, refused: "should have at least 1 items"},
		"a route for what is no name":                     {spec: `{httpRoute: {parentRefs: [{name: g}], hostnames: ["A.example.com"]}}`, refused: "each of httpRoute.hostnames must be a DNS name"},
		"a load balancer in the clear":                    {spec: `{service: {type: LoadBalancer}}`, refused: "NodePort or LoadBalancer without tls sends tokens in the clear"},
		"a load balancer in the clear, on purpose":        {spec: `{service: {type: LoadBalancer}, allowInsecureExposure: true}`},
		"a load balancer with TLS":                        {spec: `{service: {type: LoadBalancer}, tls: {secretRef: {name: c}}}`},
		"a node port in the clear":                        {spec: `{service: {type: NodePort}, allowInsecureExposure: false}`, refused: "NodePort or LoadBalancer without tls sends tokens in the clear"},
		"an external name":                                {spec: `{service: {type: ExternalName}}`, refused: "Unsupported value"},
		"an ingress in the clear":                         {spec: `{ingress: {host: a.example.com}}`, refused: "an ingress without tlsSecretRef sends tokens in the clear"},
		"an ingress in the clear, on purpose":             {spec: `{ingress: {host: a.example.com}, allowInsecureExposure: true}`},
		"an ingress for every host of a domain":           {spec: `{ingress: {host: "*.example.com", tlsSecretRef: {name: c}}}`, refused: "ingress.host must be a DNS name in lower case, without a wildcard"},
		"an ingress in capitals":                          {spec: `{ingress: {host: A.example.com, tlsSecretRef: {name: c}}}`, refused: "ingress.host must be a DNS name"},
		"a variable of one's own":                         {spec: `{pod: {env: [{name: GOMEMLIMIT, value: 300MiB}, {name: ARGUS_FLEET_SCRAPE_ALLOW, value: 10.0.0.0/8}]}}`},
		"a variable that the operator sets":               {spec: `{pod: {env: [{name: ARGUS_FLEET_STATE, value: /x}]}}`, refused: "pod.env must not name an ARGUS_ variable"},
		"tokens of one's own":                             {spec: `{tokens: {existingSecretRef: {name: mine}}}`},
		"tokens that are replaced each month":             {spec: `{tokens: {rotationPeriodHours: 720}}`},
		"tokens of one's own that are replaced":           {spec: `{tokens: {existingSecretRef: {name: mine}, rotationPeriodHours: 720}}`, refused: "tokens.rotationPeriodHours is for generated tokens"},
		"tokens that are replaced each hour":              {spec: `{tokens: {rotationPeriodHours: 1}}`, refused: "greater than or equal to 24"},
		"a Prometheus":                                    {spec: `{prometheus: {url: "https://prom.example.com:9090/base", tokenSecretRef: {name: p, key: token}, caRef: {kind: ConfigMap, name: ca, key: ca.crt}}}`},
		"a Prometheus with a password":                    {spec: `{prometheus: {url: "https://u:p@prom.example.com"}}`, refused: "without user, query or fragment"},
		"an authority under an impossible key":            {spec: `{prometheus: {url: "https://prom", caRef: {name: ca, key: a/b}}}`, refused: "as a key of a Secret or ConfigMap does"},
		"a token under an impossible key":                 {spec: `{prometheus: {url: "https://prom", tokenSecretRef: {name: p, key: a/b}}}`, refused: "key may hold letters, digits, '-', '_' and '.' only, as a key of a Secret does"},
		"an authority in something else":                  {spec: `{prometheus: {url: "https://prom", caRef: {kind: Deployment, name: ca, key: k}}}`, refused: "Unsupported value"},
		"a ClickHouse":                                    {spec: `{analytics: {clickhouseDSNSecretRef: {name: c, key: dsn}}}`},
		"a claim of one's own":                            {spec: `{storage: {existingClaimRef: {name: mine}, retentionPolicy: Retain}}`},
		"a claim of one's own and a size":                 {spec: `{storage: {existingClaimRef: {name: mine}, size: 1Gi}}`, refused: "existingClaimRef stands alone"},
		"another claim of one's own":                      {spec: `{storage: {existingClaimRef: {name: a}}}`, update: `{storage: {existingClaimRef: {name: b}}}`, refused: "existingClaimRef cannot change"},
		"a claim of one's own that comes later":           {spec: `{storage: {}}`, update: `{storage: {existingClaimRef: {name: b}}}`, refused: "existingClaimRef cannot change"},
		"storage that comes later with a claim":           {spec: `{}`, update: `{storage: {existingClaimRef: {name: b}}}`, refused: "spec.storage.existingClaimRef cannot change"},
		"the same claim of one's own":                     {spec: `{storage: {existingClaimRef: {name: a}}}`, update: `{storage: {existingClaimRef: {name: a}, retentionPolicy: Delete}}`},
		"an account of one's own":                         {spec: `{pod: {serviceAccount: {create: false, name: mine}}}`},
		"an account that nobody makes":                    {spec: `{pod: {serviceAccount: {create: false}}}`, refused: "serviceAccount.create: false needs serviceAccount.name"},
		"annotations of somebody else's account":          {spec: `{pod: {serviceAccount: {create: false, name: mine, annotations: {a: b}}}}`, refused: "serviceAccount.annotations are for a ServiceAccount that the operator creates"},
		"an account with a cloud's role":                  {spec: `{pod: {serviceAccount: {annotations: {a: b}, automountToken: true}}}`},
		"an AppArmor profile by annotation":               {spec: `{pod: {annotations: {container.apparmor.security.beta.kubernetes.io/fleet: unconfined}}}`, refused: "annotations must not change AppArmor or seccomp profiles"},
		"a pod annotation":                                {spec: `{pod: {annotations: {a: b}}}`},
		"pieces of a pod":                                 {spec: `{pod: {sidecars: [{name: x, image: "x:v1"}], initContainers: [{name: y}], volumes: [{name: v, emptyDir: {}}], patch: {spec: {hostname: h}}}}`},
		"a piece of a pod that is none":                   {spec: `{pod: {sidecars: [x]}}`, refused: "must be of type object"},
		"a mode of suspension that does not exist":        {spec: `{suspend: Forever}`, refused: "Unsupported value"},
		"suspended rollouts":                              {spec: `{suspend: Rollouts, onDelete: Retire}`},
		"resources":                                       {spec: `{pod: {resources: {limits: {cpu: 2, memory: 1.5Gi, ephemeral-storage: 1E}, requests: {cpu: 250m}}}}`},
		"a limit that takes minutes to read":              {spec: `{pod: {resources: {limits: {cpu: "1e-999999999"}}}}`, refused: "each of limits must be a quantity without an exponent"},
		"a limit with a capital exponent":                 {spec: `{pod: {resources: {limits: {cpu: "1E999"}}}}`, refused: "each of limits must be a quantity without an exponent"},
		"a request of too many digits":                    {spec: `{pod: {resources: {requests: {cpu: "0.0000000000000000000000000001"}}}}`, refused: "each of requests must be a quantity without an exponent"},
		"a divisor":                                       {spec: `{pod: {env: [{name: M, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}, {name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1}}}]}}`},
		"a divisor that takes minutes to read":            {spec: `{pod: {env: [{name: M, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: "1e-999999999"}}}]}}`, refused: "a divisor in pod.env must be one that Kubernetes knows"},
		"an interval, a factor and limits all at once":    {spec: `{heartbeatIntervalSeconds: 5, ttlFactor: 4, limits: {registerBurst: 1, heartbeatBurst: 2, readBurst: 3, viewCacheMillis: 0}}`},
	}
}

// bot is a spec's beginning; a case adds to it.
func bot(more string) string {
	return `{image: "x/bot:v1", discord: {tokenSecretRef: {name: d, key: token}}, ` + more + `}`
}

const sharding = `sharding: {total: 4, clusters: 2}`

func botCases() map[string]schemaCase {
	return map[string]schemaCase{
		"a bot":                                        {spec: bot(sharding)},
		"an untagged image":                            {spec: `{image: bot, discord: {tokenSecretRef: {name: d, key: token}}, ` + sharding + `}`, refused: "image needs a tag other than latest"},
		"no token":                                     {spec: `{image: "x/bot:v1", discord: {}, ` + sharding + `}`, refused: "tokenSecretRef: Required value"},
		"a key that no Secret can have":                {spec: `{image: "x/bot:v1", discord: {tokenSecretRef: {name: d, key: a/b}}, ` + sharding + `}`, refused: "key may hold letters"},
		"shards that do not add up":                    {spec: bot(`sharding: {total: 12, perCluster: [6, 3, 2]}`), refused: "sharding.perCluster must add up to sharding.total"},
		"shards that add up":                           {spec: bot(`sharding: {total: 12, perCluster: [6, 3, 3]}`)},
		"both forms of sharding":                       {spec: bot(`sharding: {total: 2, clusters: 1, perCluster: [2]}`), refused: "exactly one of clusters"},
		"a small claim for each cluster":               {spec: bot(sharding + `, state: {size: 64Mi, storageClassName: a}`)},
		"a claim that is smaller than small":           {spec: bot(sharding + `, state: {size: 1Ki}`), refused: "size must be at least 1Mi"},
		"a claim with a huge exponent":                 {spec: bot(sharding + `, state: {size: "1e-1000000000"}`), refused: "size must be at least 1Mi"},
		"claims that grow":                             {spec: bot(sharding + `, state: {size: 64Mi}`), update: bot(sharding + `, state: {size: 128Mi}`)},
		"claims that shrink":                           {spec: bot(sharding + `, state: {size: 64Mi}`), update: bot(sharding + `, state: {size: 32Mi}`), refused: "state.size can only grow"},
		"claims whose size is taken away":              {spec: bot(sharding + `, state: {size: 64Mi}`), update: bot(sharding + `, state: {}`), refused: "state.size can only grow"},
		"claims of another class":                      {spec: bot(sharding + `, state: {storageClassName: a}`), update: bot(sharding + `, state: {storageClassName: b}`), refused: "storageClassName cannot change: the claims exist"},
		"claims that are taken away":                   {spec: bot(sharding + `, state: {size: 64Mi, storageClassName: a}`), update: bot(sharding)},
		"secrets whose change starts a rollout":        {spec: bot(sharding + `, rollout: {onSecretChange: Rollout}`)},
		"secrets whose change does something else":     {spec: bot(sharding + `, rollout: {onSecretChange: Restart}`), refused: "Unsupported value"},
		"monitors":                                     {spec: bot(sharding + `, podMonitor: {labels: {release: prometheus}}, prometheusRule: {}`)},
		"no form of sharding":                          {spec: bot(`sharding: {total: 2}`), refused: "exactly one of clusters"},
		"a cluster without a shard":                    {spec: bot(`sharding: {total: 2, clusters: 3}`), refused: "must not exceed sharding.total"},
		"a cluster of 0 shards":                        {spec: bot(`sharding: {total: 2, perCluster: [2, 0]}`), refused: "greater than or equal to 1"},
		"257 clusters":                                 {spec: bot(`sharding: {total: 300, clusters: 257}`), refused: "less than or equal to 256"},
		"the most shards":                              {spec: bot(`sharding: {total: 16384, clusters: 256}`)},
		"a fleet by name":                              {spec: bot(sharding + `, fleet: {ref: {name: main}, region: asia}`)},
		"an external fleet":                            {spec: bot(sharding + `, fleet: {external: {url: "https://f.example.com:8443/base", tokenSecretRef: {name: f, key: t}}}`)},
		"both a fleet and an external one":             {spec: bot(sharding + `, fleet: {ref: {name: main}, external: {url: "https://f.example.com", tokenSecretRef: {name: f, key: t}}}`), refused: "fleet needs exactly one of ref"},
		"a fleet that is neither":                      {spec: bot(sharding + `, fleet: {region: asia}`), refused: "fleet needs exactly one of ref"},
		"an external fleet without a scheme":           {spec: bot(sharding + `, fleet: {external: {url: "f.example.com", tokenSecretRef: {name: f, key: t}}}`), refused: "url must be http://"},
		"an external fleet with a password":            {spec: bot(sharding + `, fleet: {external: {url: "https://u:p@f.example.com", tokenSecretRef: {name: f, key: t}}}`), refused: "url must be http://"},
		"an external fleet with a query":               {spec: bot(sharding + `, fleet: {external: {url: "https://f.example.com?token=x", tokenSecretRef: {name: f, key: t}}}`), refused: "url must be http://"},
		"a region with a control character":            {spec: bot(sharding + `, fleet: {ref: {name: main}, region: "a\nb"}`), refused: "region must not hold control characters"},
		"a region of 64 characters":                    {spec: bot(sharding + `, fleet: {ref: {name: main}, region: ` + strings.Repeat("r", 64) + `}`), refused: "may not be more than 63"},
		"a delivery that does not exist":               {spec: bot(sharding + `, fleet: {ref: {name: main}, delivery: Pigeon}`), refused: "Unsupported value"},
		"a token's variable of one's own":              {spec: bot(sharding) + "\n", update: strings.Replace(bot(sharding), "key: token}}", "key: token}, tokenEnv: BOT_TOKEN}", 1)},
		"a token's variable that is ours":              {spec: strings.Replace(bot(sharding), "key: token}}", "key: token}, tokenEnv: ARGUS_FLEET_TOKEN}", 1), refused: "tokenEnv must be a variable's name"},
		"a token's variable that is no name":           {spec: strings.Replace(bot(sharding), "key: token}}", "key: token}, tokenEnv: 'A B'}", 1), refused: "tokenEnv must be a variable's name"},
		"a variable of one's own":                      {spec: bot(sharding + `, pod: {env: [{name: LOG, value: debug}, {name: ARGUS_TIMER_CAP, value: "5"}]}`)},
		"a variable that the operator sets":            {spec: bot(sharding + `, pod: {env: [{name: ARGUS_CLUSTER_ID, value: other}]}`), refused: "pod.env must not name a variable that the operator sets"},
		"the token's variable by hand":                 {spec: bot(sharding + `, pod: {env: [{name: DISCORD_TOKEN, value: plain}]}`), refused: "pod.env must not name the token's variable"},
		"the token's own variable by hand":             {spec: strings.Replace(bot(sharding+`, pod: {env: [{name: T_FILE, value: x}]}`), "key: token}}", "key: token}, tokenEnv: T}", 1), refused: "pod.env must not name the token's variable"},
		"an identity prefix":                           {spec: bot(sharding + `, identityPrefix: ns.bot`), update: bot(sharding + `, identityPrefix: ns.bot, terminationGracePeriodSeconds: 5`)},
		"another identity prefix":                      {spec: bot(sharding + `, identityPrefix: a`), update: bot(sharding + `, identityPrefix: b`), refused: "identityPrefix cannot change"},
		"an identity prefix that comes later":          {spec: bot(sharding), update: bot(sharding + `, identityPrefix: b`), refused: "identityPrefix cannot change"},
		"an identity prefix with a slash":              {spec: bot(sharding + `, identityPrefix: a/b`), refused: "identityPrefix may hold letters"},
		"a dashboard with a token":                     {spec: bot(sharding + `, dashboard: {tokenSecretRef: {name: d, key: t}}`)},
		"a dashboard for everybody":                    {spec: bot(sharding + `, dashboard: {state: Enabled}`), refused: "an enabled dashboard needs tokenSecretRef"},
		"a dashboard for everybody, on purpose":        {spec: bot(sharding + `, dashboard: {allowUnauthenticated: true}`)},
		"a dashboard that is off":                      {spec: bot(sharding + `, dashboard: {state: Disabled}`)},
		"a metrics path":                               {spec: bot(sharding + `, metrics: {path: /m, port: 9000}`)},
		"a metrics path that hides the health":         {spec: bot(sharding + `, metrics: {path: /healthz}`), refused: "metrics.path must start with"},
		"a metrics path without a slash":               {spec: bot(sharding + `, metrics: {path: m}`), refused: "metrics.path must start with"},
		"a port that needs privileges":                 {spec: bot(sharding + `, metrics: {port: 80}`), refused: "greater than or equal to 1024"},
		"an external fleet's prefix that is no name":   {spec: bot(sharding + `, fleet: {external: {url: "https://f", metricPrefix: "9x", tokenSecretRef: {name: f, key: t}}}`), refused: "metricPrefix must be a Prometheus metric name"},
		"a bot's name of 41 characters":                {name: "a" + strings.Repeat("b", 40), spec: bot(sharding), refused: "metadata.name must be at most 40"},
		"an external fleet's authority":                {spec: bot(sharding + `, fleet: {external: {url: "https://f.example.com", tokenSecretRef: {name: f, key: t}, caRef: {name: ca, key: ca.crt}}}`)},
		"an authority under an impossible key":         {spec: bot(sharding + `, fleet: {external: {url: "https://f.example.com", tokenSecretRef: {name: f, key: t}, caRef: {name: ca, key: ..}}}`), refused: "as a key of a Secret or ConfigMap does"},
		"an account that nobody makes":                 {spec: bot(sharding + `, pod: {serviceAccount: {create: false}}`), refused: "serviceAccount.create: false needs serviceAccount.name"},
		"annotations of somebody else's account":       {spec: bot(sharding + `, pod: {serviceAccount: {create: false, name: mine, annotations: {a: b}}}`), refused: "serviceAccount.annotations are for a ServiceAccount that the operator creates"},
		"a seccomp profile by annotation":              {spec: bot(sharding + `, pod: {annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}`), refused: "annotations must not change AppArmor or seccomp profiles"},
		"dynamic resources":                            {spec: bot(sharding + `, pod: {resources: {claims: [{name: gpu}]}}`), refused: "unknown field"},
		"the variable of the authority's file":         {spec: bot(sharding + `, pod: {env: [{name: ARGUS_FLEET_CA_FILE, value: /x}]}`), refused: "pod.env must not name a variable that the operator sets"},
		"a suspended bot":                              {spec: bot(sharding + `, suspend: All`)},
		"a mode of suspension that does not exist":     {spec: bot(sharding + `, suspend: Partly`), refused: "Unsupported value"},
		"a limit that takes minutes to read":           {spec: bot(sharding + `, pod: {resources: {limits: {cpu: "1e-999999999"}}}`), refused: "each of limits must be a quantity without an exponent"},
		"a request of too many digits":                 {spec: bot(sharding + `, pod: {resources: {requests: {cpu: "0.0000000000000000000000000001"}}}`), refused: "each of requests must be a quantity without an exponent"},
		"a divisor that takes minutes to read":         {spec: bot(sharding + `, pod: {env: [{name: M, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: "1e-999999999"}}}]}`), refused: "a divisor in pod.env must be one that Kubernetes knows"},
		"a collector":                                  {spec: bot(sharding + `, otlp: {endpoint: "http://collector.monitoring.svc:4317"}`)},
		"a collector that is no URL":                   {spec: bot(sharding + `, otlp: {endpoint: "collector:4317"}`), refused: "endpoint must be http://host[:port]"},
		"a token in the CR itself has no field for it": {spec: bot(sharding + `, token: plain`), refused: "unknown field"},
	}
}

func TestSchemaOfArgusFleet(t *testing.T) { schemaTest(t, v1alpha1.KindArgusFleet, fleetCases()) }

func TestSchemaOfArgusBot(t *testing.T) { schemaTest(t, v1alpha1.KindArgusBot, botCases()) }

func schemaTest(t *testing.T, kind string, cases map[string]schemaCase) {
	t.Helper()
	w := newWorld(t)
	for sentence, tc := range cases {
		t.Run(sentence, func(t *testing.T) {
			object := &unstructured.Unstructured{Object: map[string]any{"spec": specOf(t, tc.spec)}}
			object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
			object.SetNamespace(w.namespace)
			object.SetGenerateName("x-")
			if tc.name != "" {
				object.SetGenerateName("")
				object.SetName(tc.name)
			}
			strict := client.FieldValidation("Strict")
			if tc.update == "" {
				verdict(t, admin.Create(t.Context(), object, strict, client.DryRunAll), tc.refused)
				return
			}
			verdict(t, admin.Create(t.Context(), object, strict), "")
			before := object.DeepCopy()
			object.Object["spec"] = specOf(t, tc.update)
			verdict(t, admin.Patch(t.Context(), object, client.MergeFrom(before), strict, client.DryRunAll), tc.refused)
			if err := admin.Delete(t.Context(), object); err != nil {
				t.Error(err)
			}
		})
	}
}

func specOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var spec map[string]any
	if err := yaml.Unmarshal([]byte(text), &spec); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return spec
}

func verdict(t *testing.T, err error, refused string) {
	t.Helper()
	switch {
	case refused == "" && err != nil:
		t.Errorf("refused: %v", err)
	case refused != "" && err == nil:
		t.Errorf("accepted, want a refusal with %q", refused)
	case refused != "" && !strings.Contains(err.Error(), refused):
		t.Errorf("refused with %v\nwant %q in it", err, refused)
	}
}

// A CRD that outgrows its bound would not fit a request, an annotation or a chart for long.
func TestCRDsStaySmall(t *testing.T) {
	const most = 150_000
	files, err := filepath.Glob(filepath.Join("..", "..", "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) != 2 {
		t.Fatalf("found %v (%v), want two CRDs", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := yaml.Unmarshal(content, &object); err != nil {
			t.Fatal(err)
		}
		compact, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if len(compact) > most {
			t.Errorf("%s is %d bytes as compact JSON, at most %d are allowed", filepath.Base(file), len(compact), most)
		}
	}
}
