package v1alpha1

// FleetTLS is the certificate that the control plane serves with.
type FleetTLS struct {
	// SecretRef names a Secret of the type kubernetes.io/tls with ca.crt, as
	// cert-manager makes them, valid for <name>-fleet.<namespace>.svc. A renewed
	// one is picked up without a restart.
	SecretRef LocalRef `json:"secretRef"`
}

// FleetIngress describes the Ingress.
type FleetIngress struct {
	// ClassName of the ingress controller. Absent: the cluster's default.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName *string `json:"className,omitempty"`
	// Host under which the control plane is reached.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="ingress.host must be a DNS name in lower case, without a wildcard"
	Host string `json:"host"`
	// Annotations for the ingress controller. Where spec.tls is set, tell it there
	// to speak HTTPS to the Service.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
	// TLSSecretRef names the certificate for the host.
	// +optional
	TLSSecretRef *LocalRef `json:"tlsSecretRef,omitempty"`
}

// FleetHTTPRoute describes the HTTPRoute.
type FleetHTTPRoute struct {
	// ParentRefs are the Gateways that the route attaches to.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	ParentRefs []ParentRef `json:"parentRefs"`
	// Hostnames under which the control plane is reached. Absent: those of the
	// listeners.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="each of httpRoute.hostnames must be a DNS name in lower case"
	Hostnames []string `json:"hostnames,omitempty"`
}

// ParentRef names a Gateway, or a listener of it.
type ParentRef struct {
	// Name of the Gateway.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Namespace of the Gateway. Absent: the ArgusFleet's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace *string `json:"namespace,omitempty"`
	// SectionName of the listener. Absent: all that admit the route.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SectionName *string `json:"sectionName,omitempty"`
}

// ServiceType of the Service.
// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
type ServiceType string

// FleetService describes the Service.
type FleetService struct {
	// Type of the Service. Default ClusterIP.
	// +optional
	Type *ServiceType `json:"type,omitempty"`
	// Port of the Service. Default 9190.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
	// Annotations of the Service.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
	// IPFamilyPolicy of the Service. Absent: the cluster's default.
	// +optional
	// +kubebuilder:validation:Enum=SingleStack;PreferDualStack;RequireDualStack
	IPFamilyPolicy *string `json:"ipFamilyPolicy,omitempty"`
	// TrafficDistribution of the Service. Absent: any endpoint.
	// +optional
	// +kubebuilder:validation:Enum=PreferClose;PreferSameZone;PreferSameNode
	TrafficDistribution *string `json:"trafficDistribution,omitempty"`
}
