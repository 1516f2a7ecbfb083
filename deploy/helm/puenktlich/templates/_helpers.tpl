{{- define "puenktlich.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ required "set image.tag or image.digest" .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "puenktlich.labels" -}}
app.kubernetes.io/name: puenktlich
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What every container of ours has in common. */}}
{{- define "puenktlich.container" -}}
image: {{ include "puenktlich.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom:
  - configMapRef: {name: {{ .Release.Name }}-settings}
  - secretRef: {name: {{ .Values.secret }}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: data, mountPath: /data}
  - {name: signing-key, mountPath: /keys, readOnly: true}
  {{- if .Values.gate }}
  - {name: gate, mountPath: /settings, readOnly: true}
  {{- end }}
  - {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "puenktlich.security" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
automountServiceAccountToken: false
{{- end -}}

{{- define "puenktlich.volumes" -}}
- name: signing-key
  secret: {secretName: {{ .Values.signingKeySecret }}, defaultMode: 0440}
{{- if .Values.gate }}
- name: gate
  configMap: {name: {{ .Release.Name }}-gate}
{{- end }}
- name: tmp
  emptyDir: {}
{{- end -}}
