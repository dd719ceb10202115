//go:build e2e && !long

package upgrade

const long = false
