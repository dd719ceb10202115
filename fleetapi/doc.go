// Package fleetapi is the wire between Argus bots, the fleet control plane and
// the operator: paths, request and response types, metric keys, environment
// names, and one small client. Every fact that two sides share has its one
// home here, so that the side that writes it and the side that reads it cannot
// disagree.
//
// The wire is that of argus-dpy 0.4.2, so unmodified Python bots can join a
// control plane built on these types. It uses the standard library only.
package fleetapi
