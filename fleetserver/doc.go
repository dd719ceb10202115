// Package fleetserver is the fleet control plane as a library: bots register
// and heartbeat, people and operators ask how the fleet is.
//
// ConfigFromEnv turns an environment into a Config, New opens the state that it
// names, Handler answers requests and Run listens until its context ends. The
// wire is that of argus-dpy 0.4.2; its types are in package fleetapi.
package fleetserver
