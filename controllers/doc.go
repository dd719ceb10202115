// Package controllers holds the two reconcilers of the operator. Each reads an
// object into a scope, builds what it stands for with internal/manifests, writes
// the difference with internal/apply, and derives the status at the end from what
// was read.
package controllers
