// Package manifests builds the objects that an ArgusFleet or an ArgusBot stands
// for, one builder a file. Everything here is a pure function of its arguments:
// no client, no clock, no randomness, so equal input gives equal objects and a
// test can compare them whole.
package manifests
