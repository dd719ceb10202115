// Package store keeps the fleet's membership in one file: a bbolt database with
// one writer, behind a lock that keeps every other control plane out. What a
// Write promises is on the disk before its Done is called.
package store
