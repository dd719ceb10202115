package controllers

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// secretsInterval is how often the Secrets are read that pods follow: no watch tells.
const secretsInterval = time.Minute

// secretsRead is what was read of the Secrets that a bot's pods follow.
type secretsRead struct {
	generation int64
	digest     string
	at         time.Time
}

// fresh tells whether it was read for this very spec less than an interval ago.
func (r secretsRead) fresh(bot *v1alpha1.ArgusBot, now time.Time) bool {
	return r.generation == bot.Generation && now.Sub(r.at) < secretsInterval
}

// followSecrets finds the digest of the Secrets whose change is to replace the pods.
// While one of them cannot be read, the pods are to stay as they are.
func (r *ArgusBotReconciler) followSecrets(ctx context.Context, s *botScope) error {
	if !manifests.FollowsSecrets(s.bot) {
		return nil
	}
	now := r.Now()
	if read := s.memory.secrets; read.fresh(s.bot, now) {
		s.secrets = read.digest
		return nil
	}
	digest, err := r.readSecrets(ctx, s)
	if err != nil {
		return err
	}
	if digest == "" {
		for i := range s.deployments {
			s.secrets = manifests.SecretDigestOf(&s.deployments[i])
		}
		return nil
	}
	s.secrets = digest
	s.memory.secrets = secretsRead{generation: s.bot.Generation, digest: digest, at: now}
	return nil
}

// readSecrets returns the digest of the Secrets that the pods follow, or "" while one is
// not there; what is missing is then said in the scope, so that nothing starts.
func (r *ArgusBotReconciler) readSecrets(ctx context.Context, s *botScope) (string, error) {
	var values [][]byte
	read := map[string]map[string][]byte{}
	for _, secret := range manifests.FollowedSecrets(s.bot, s.target) {
		data, ok := read[secret.Ref.Name]
		if !ok {
			var err error
			data, err = readData(ctx, r.Client, s.bot.Namespace, inputSource{v1alpha1.CAInSecret, secret.Ref.Name})
			if err != nil && !apierrors.IsNotFound(err) {
				return "", fmt.Errorf("reading Secret %s: %w", secret.Ref.Name, err)
			}
			if err == nil && data == nil {
				data = map[string][]byte{}
			}
			read[secret.Ref.Name] = data
		}
		if len(data[secret.Ref.Key]) == 0 {
			if s.missing == nil {
				r.verified.forget(nameOf(s.bot))
				s.missing = secretMissing(&input{field: secret.Field}, missingKey(v1alpha1.CAInSecret, secret.Ref.Name, secret.Ref.Key, data != nil))
			}
			return "", nil
		}
		values = append(values, data[secret.Ref.Key])
	}
	return manifests.SecretDigest(values), nil
}

// secretsPoll is when to read the Secrets again that the pods follow, or 0 for never.
func (r *ArgusBotReconciler) secretsPoll(s *botScope) time.Duration {
	if !manifests.FollowsSecrets(s.bot) {
		return 0
	}
	now := r.Now()
	if !s.memory.secrets.fresh(s.bot, now) {
		return retryMissing
	}
	return max(secretsInterval-now.Sub(s.memory.secrets.at), time.Second)
}
