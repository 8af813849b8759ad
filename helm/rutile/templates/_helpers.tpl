{{/* Names of objects begin with this. Short enough for a component and an ordinal behind it in a label. */}}
{{- define "rutile.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector looks for; (dict "root" $ "component" "pd"). Never changes in the life of a release. */}}
{{- define "rutile.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "rutile.labels" -}}
{{ include "rutile.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: rutile
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* (dict "root" $ "component" "pd") */}}
{{- define "rutile.image" -}}
{{- $image := .root.Values.image -}}
{{- printf "%s/%s:%s" $image.repository .component (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}

{{/* The domain below which every pod of a StatefulSet has its stable name; (dict "root" $ "component" "pd"). */}}
{{- define "rutile.peerDomain" -}}
{{- printf "%s-%s-peers.%s.svc.%s" (include "rutile.fullname" .root) .component .root.Release.Namespace .root.Values.clusterDomain -}}
{{- end -}}

{{/* host:port of every member's client port. Any one is enough, so that no Service stands between nodes and PD. */}}
{{- define "rutile.pdEndpoints" -}}
{{- $endpoints := list -}}
{{- range $i := until (int .Values.pd.replicas) -}}
{{- $endpoints = append $endpoints (printf "%s-pd-%d.%s:2379" (include "rutile.fullname" $) $i (include "rutile.peerDomain" (dict "root" $ "component" "pd"))) -}}
{{- end -}}
{{- join "," $endpoints -}}
{{- end -}}

{{/* The same list in the same order on every member, for as long as the data lives. */}}
{{- define "rutile.pdInitialCluster" -}}
{{- $members := list -}}
{{- range $i := until (int .Values.pd.replicas) -}}
{{- $name := printf "%s-pd-%d" (include "rutile.fullname" $) $i -}}
{{- $members = append $members (printf "%s=%s.%s:2380" $name $name (include "rutile.peerDomain" (dict "root" $ "component" "pd"))) -}}
{{- end -}}
{{- join "," $members -}}
{{- end -}}

{{/* Mebibytes of a quantity; the schema lets only whole Mi and Gi through. */}}
{{- define "rutile.mebibytes" -}}
{{- if hasSuffix "Gi" . -}}{{ mul (trimSuffix "Gi" . | int) 1024 }}{{- else -}}{{ trimSuffix "Mi" . | int }}{{- end -}}
{{- end -}}

{{/*
Flags of the JVM that follow from values; (dict "component" "node" "values" .Values.node "outside" 512). Heap, direct memory and what is
"outside" of both (MiB: RocksDB, and the JVM's own) must fit into the memory limit together: a pod that is killed for its memory under
load is worse than one that is not installed.
*/}}
{{- define "rutile.jvmOptions" -}}
{{- $limit := include "rutile.mebibytes" .values.resources.limits.memory | int -}}
{{- $heap := div (mul $limit (int .values.heapPercent)) 100 -}}
{{- $direct := include "rutile.mebibytes" .values.directMemory | int -}}
{{- $sum := add $heap $direct .outside -}}
{{- if gt (int $sum) $limit -}}
{{- fail (printf "%s: the memory limit of %d MiB is less than heap %d + direct memory %d + %d outside of both = %d MiB" .component $limit $heap $direct (int .outside) $sum) -}}
{{- end -}}
-XX:+UseG1GC -XX:MaxGCPauseMillis=50 -XX:MaxRAMPercentage={{ .values.heapPercent }} -XX:MaxDirectMemorySize={{ $direct }}m{{ with .values.jvmOptions }} {{ . }}{{ end }}
{{- end -}}

{{/*
Arguments of more settings; (dict "component" "node" "values" .Values.node "own" (list of names that the chart decides)). Said twice, Spring
would read both as a list.
*/}}
{{- define "rutile.properties" -}}
{{- $arguments := list -}}
{{- range $name, $value := .values.properties -}}
{{- if or (has $name $.own) (and (hasPrefix "rutile.tls." $name) (or (ne $.component "gateway") (hasSuffix "bundle" $name))) -}}
{{- fail (printf "%s.properties: %s follows from other values of the chart" $.component $name) -}}
{{- end -}}
{{- $arguments = append $arguments (printf "--%s=%v" $name $value) -}}
{{- end -}}
{{- if $arguments -}}{{ toYaml $arguments }}{{- end -}}
{{- end -}}

{{/* Arguments of the gateway that say who may call. It would not start without them, bound to every address as it is in a pod. */}}
{{- define "rutile.gatewaySecurity" -}}
{{- $security := .Values.gateway.security -}}
{{- if and $security.jwt.issuer (not $security.jwt.audience) -}}
{{- fail "gateway.security.jwt: an audience is missing, or tokens for others would be good here" -}}
{{- end -}}
{{- $asks := or $security.accessSecret $security.jwt.issuer -}}
{{- if and $asks $security.insecure -}}
{{- fail "gateway.security: insecure means that nobody is asked; remove it, or accessSecret and jwt" -}}
{{- end -}}
{{- if not (or $asks $security.insecure) -}}
{{- fail "gateway.security: say who may call: accessSecret (API tokens), jwt (an OpenID provider), or insecure: true for everybody who reaches the gateway" -}}
{{- end -}}
{{- $arguments := list -}}
{{- if $security.insecure -}}
{{- $arguments = append $arguments "--rutile.gateway.security.insecure=true" -}}
{{- end -}}
{{- if $security.accessSecret -}}
{{- $arguments = append $arguments "--rutile.gateway.security.access-file=/etc/rutile/access/access.json" -}}
{{- end -}}
{{- with $security.jwt -}}
{{- if .issuer -}}
{{- $arguments = concat $arguments (list (printf "--rutile.gateway.security.jwt.issuer=%s" .issuer) (printf "--rutile.gateway.security.jwt.audience=%s" (join "," .audience)) (printf "--rutile.gateway.security.jwt.roles-claim=%s" .rolesClaim)) -}}
{{- end -}}
{{- end -}}
{{- if $arguments -}}{{ toYaml $arguments }}{{- end -}}
{{- end -}}

{{- define "rutile.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "rutile.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The Secret that members show and trust; empty for plaintext. */}}
{{- define "rutile.tlsSecret" -}}
{{- if .Values.tls.secret -}}{{ .Values.tls.secret }}{{- else if .Values.tls.certManager.issuer.name -}}{{ include "rutile.fullname" . }}-tls{{- end -}}
{{- end -}}

{{/* Of all URLs. */}}
{{- define "rutile.scheme" -}}
{{- if include "rutile.tlsSecret" . -}}https{{- else -}}http{{- end -}}
{{- end -}}

{{/* What a bundle of Spring is made of; (dict "bundle" "cluster" "directory" "/etc/rutile/tls" "ca" true). */}}
{{- define "rutile.tlsBundle" -}}
- --spring.ssl.bundle.pem.{{ .bundle }}.reload-on-update=true
- --spring.ssl.bundle.pem.{{ .bundle }}.keystore.certificate={{ .directory }}/tls.crt
- --spring.ssl.bundle.pem.{{ .bundle }}.keystore.private-key={{ .directory }}/tls.key
{{- if .ca }}
- --spring.ssl.bundle.pem.{{ .bundle }}.truststore.certificate={{ .directory }}/ca.crt
{{- end }}
{{- end -}}

{{/* Arguments of PD and nodes. */}}
{{- define "rutile.memberTls" -}}
{{- if include "rutile.tlsSecret" . -}}
{{- $managed := .Values.tls.certManager.issuer.name -}}
{{- $allowed := .Values.tls.allowedCommonNames -}}
{{- $peers := .Values.tls.peerCommonNames -}}
{{- if and $allowed (ne .Values.tls.clientAuth "need") -}}
{{- fail "tls.allowedCommonNames: nobody has to show a certificate unless tls.clientAuth is need" -}}
{{- end -}}
{{- if and $managed $allowed -}}{{- $allowed = append $allowed (include "rutile.fullname" .) | uniq -}}{{- end -}}
{{- if and $managed (not $peers) -}}{{- $peers = list (include "rutile.fullname" .) -}}{{- end -}}
{{ include "rutile.tlsBundle" (dict "bundle" "cluster" "directory" "/etc/rutile/tls" "ca" true) }}
- --rutile.tls.bundle=cluster
- --rutile.tls.client-auth={{ .Values.tls.clientAuth }}
{{- with $allowed }}
- --rutile.tls.allowed-common-names={{ join "," . }}
{{- end }}
{{- with $peers }}
- --rutile.tls.peer-common-names={{ join "," . }}
{{- end }}
{{- else if or .Values.tls.allowedCommonNames .Values.tls.peerCommonNames -}}
{{- fail "tls: names of certificates are given, and neither secret nor certManager.issuer.name: everything would be plaintext" -}}
{{- end -}}
{{- end -}}

{{/* Arguments of gateways, which have callers of their own. */}}
{{- define "rutile.gatewayTls" -}}
{{- if include "rutile.tlsSecret" . -}}
{{ include "rutile.tlsBundle" (dict "bundle" "cluster" "directory" "/etc/rutile/tls" "ca" true) }}
{{- if .Values.tls.gatewaySecret }}
{{ include "rutile.tlsBundle" (dict "bundle" "gateway" "directory" "/etc/rutile/gateway-tls" "ca" false) }}
- --rutile.tls.bundle=gateway
- --rutile.tls.management-bundle=cluster
- --rutile.tls.client-bundle=cluster
{{- else }}
- --rutile.tls.bundle=cluster
{{- end }}
{{- else if .Values.tls.gatewaySecret -}}
{{- fail "tls.gatewaySecret: gateways speak TLS to their callers only where members do: tls.secret or tls.certManager.issuer.name is missing" -}}
{{- end -}}
{{- end -}}

{{/* Directories, not files alone: only so changes of a Secret arrive. */}}
{{- define "rutile.tlsMounts" -}}
{{- if include "rutile.tlsSecret" .root }}
- {name: tls, mountPath: /etc/rutile/tls, readOnly: true}
{{- end }}
{{- if and .gateway .root.Values.tls.gatewaySecret }}
- {name: gateway-tls, mountPath: /etc/rutile/gateway-tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "rutile.tlsVolumes" -}}
{{- with include "rutile.tlsSecret" .root }}
- name: tls
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- if and .gateway .root.Values.tls.gatewaySecret }}
- name: gateway-tls
  secret: {secretName: {{ .root.Values.tls.gatewaySecret | quote }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{/*
Probes on the management port, which asks nobody for a certificate; (dict "scheme" "https"). A process is started once its Spring context stands: a node waits for PD and reads its log before that. None
asks for a quorum: whoever waits for the others must not be killed for it.
*/}}
{{- define "rutile.probes" -}}
startupProbe:
  httpGet: {path: /actuator/health/liveness, port: management, scheme: {{ upper .scheme }}}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 300
livenessProbe:
  httpGet: {path: /actuator/health/liveness, port: management, scheme: {{ upper .scheme }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /actuator/health/readiness, port: management, scheme: {{ upper .scheme }}}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 3
{{- end -}}

{{/* What all pods have in common; (dict "root" $ "component" "node" "values" .Values.node). */}}
{{- define "rutile.podSpec" -}}
serviceAccountName: {{ include "rutile.fullname" .root }}
# Nothing here speaks to the API server.
automountServiceAccountToken: false
# Kubernetes would set variables such as RUTILE_GATEWAY_GRPC_PORT=tcp://…, which Spring would take for settings.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
securityContext:
  {{- include "rutile.podSecurityContext" . | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  podAntiAffinity:
    {{- if eq .root.Values.spread "hard" }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "rutile.selectorLabels" . | nindent 12 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "rutile.selectorLabels" . | nindent 14 }}
    {{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: {{ eq .root.Values.spread "hard" | ternary "DoNotSchedule" "ScheduleAnyway" }}
    labelSelector:
      matchLabels:
        {{- include "rutile.selectorLabels" . | nindent 8 }}
{{- end -}}

{{/* The claim of a StatefulSet; (dict "values" .Values.node). */}}
{{- define "rutile.dataClaim" -}}
- metadata:
    name: data
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .values.storage.storageClass }}
    storageClassName: {{ . | quote }}
    {{- end }}
    resources:
      requests:
        storage: {{ .values.storage.size }}
{{- end -}}
