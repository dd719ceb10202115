// Package hardening holds what we deploy, and what the operator makes, against the
// checks of others: the Pod Security Standards and kube-score.
package hardening
