{{- define "gvList" -}}
<!-- Written by `make generate` from the types in api/. Change those. -->
# API reference

Every field of the two kinds, from the same comments as `kubectl explain`. A field is optional unless it says that it is required. What a rule refuses, it
says why in the sentence that stands here.
{{ range . }}
{{- template "gvDetails" . -}}
{{- end }}
{{- end -}}
