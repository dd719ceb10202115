// Package access holds the tokens that open a surface of the control plane and
// keeps them up to date with the files that they were read from.
package access
