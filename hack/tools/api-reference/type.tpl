{{- define "text" }}{{ . | replace "&" "&amp;" | replace "<" "&lt;" | replace "|" "\\|" | replace "{" "\\{" | replace "}" "\\}" | replace "\n" " " }}{{ end -}}

{{- define "rules" }}
{{- range . }}
{{- if hasPrefix "Required:" . }} **Required.**
{{- else if or (hasPrefix "XValidation:" .) (hasPrefix "items:XValidation:" .) (hasPrefix "Optional:" .) }}
{{- else }} {{ template "text" . }}.{{ end }}
{{- end }}
{{- end -}}

{{- define "sentences" }}
{{- range . }} _{{ template "text" (.Message | replace "_" "\\_" | replace "*" "\\*") }}._{{ end }}
{{- end -}}

{{- define "type" }}
{{- if markdownShouldRenderType . }}
## {{ .Name }}

{{ template "text" .Doc }}
{{- template "rules" .Validation }}
{{- template "sentences" (index .Markers "kubebuilder:validation:XValidation") }}
{{ if .References }}
In: {{ range $i, $type := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $type }}{{ end }}
{{ end }}
{{- if .Members }}
| Field | Type | Description |
|---|---|---|
{{- if .GVK }}
| `apiVersion` | string | `{{ .GVK.Group }}/{{ .GVK.Version }}` |
| `kind` | string | `{{ .GVK.Kind }}` |
{{- end }}
{{- range .Members }}
| `{{ .Name }}` | {{ markdownRenderType .Type }} | {{ if eq .Name "metadata" }}As of every object.{{ else }}{{ template "text" .Doc }}{{ end }}
{{- if and (not (index .Markers "optional")) (not (index .Markers "kubebuilder:validation:Optional")) (not (eq .Name "metadata")) }} **Required.**{{ end }}
{{- template "rules" .Validation }}
{{- template "sentences" (index .Markers "kubebuilder:validation:XValidation") }} |
{{- end }}
{{ end }}
{{- if .EnumValues }}
| Value | Description |
|---|---|
{{- range .EnumValues }}
| `{{ .Name }}` | {{ template "text" .Doc }} |
{{- end }}
{{ end }}
{{- end }}
{{- end -}}
