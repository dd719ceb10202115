{{/* Name of every object. The label app.kubernetes.io/name never changes: NetworkPolicies of control planes select by it. */}}
{{- define "argus-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains "argus-operator" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-argus-operator" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "argus-operator.selectorLabels" -}}
app.kubernetes.io/name: argus-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "argus-operator.labels" -}}
{{ include "argus-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: argus
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "argus-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "argus-operator.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name names the ServiceAccount to use when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Reference of an image: dict "root" $ "image" .Values.X "tag" <default tag> */}}
{{- define "argus-operator.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (ne $registry "") -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.image.tag | default .tag) -}}
{{- end -}}
{{- end -}}

{{- define "argus-operator.metricsAuth" -}}
{{- if and .Values.watchNamespaces (eq .Values.metrics.auth "kubernetes") -}}
{{- fail "metrics.auth=kubernetes needs cluster-scoped reviews, which watchNamespaces rules out: leave metrics.auth empty" -}}
{{- end -}}
{{- .Values.metrics.auth | default (ternary "none" "kubernetes" (gt (len .Values.watchNamespaces) 0)) -}}
{{- end -}}

{{/*
Rules of the operator, as controller-gen wrote them from the markers beside the code: dict "root" $ "kind" ClusterRole|Role.
In namespaced mode the reviews that guard the metrics are left out: no Role can grant them.
*/}}
{{- define "argus-operator.rules" -}}
{{- $namespaced := gt (len .root.Values.watchNamespaces) 0 -}}
{{- $kind := .kind -}}
{{- $rules := list -}}
{{- range splitList "\n---\n" (printf "\n%s" (.root.Files.Get "files/role.yaml")) -}}
{{- $document := fromYaml . -}}
{{- if eq ($document.kind | default "") $kind -}}
{{- range $document.rules -}}
{{- $review := or (has "authentication.k8s.io" .apiGroups) (has "authorization.k8s.io" .apiGroups) -}}
{{- if not (and $namespaced $review) -}}
{{- $rules = append $rules . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml (required (printf "files/role.yaml holds no rules of a %s: run make generate" $kind) $rules) -}}
{{- end -}}

{{/* A label selector written "a=b,c=d", as a NetworkPolicy peer's namespaceSelector. Empty is every namespace. */}}
{{- define "argus-operator.namespaceSelector" -}}
{{- if . -}}
matchLabels:
{{- range splitList "," . }}
{{- $pair := splitn "=" 2 (trim .) }}
{{- if not (regexMatch "^[^=!()\\s]+=[^=!()\\s]*$" (trim .)) }}
{{- fail (printf "namespace selector %q: write label=value, joined by commas" .) }}
{{- end }}
  {{ $pair._0 }}: {{ $pair._1 | quote }}
{{- end }}
{{- else -}}
{}
{{- end -}}
{{- end -}}
