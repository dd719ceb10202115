package manifests

import (
	"testing"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// The digest changes with each secret that pods follow, and tells nothing about one to
// somebody who does not know the token.
func TestTheSecretDigestChangesWithEachSecret(t *testing.T) {
	digest := func(values ...string) string {
		list := make([][]byte, 0, len(values))
		for _, value := range values {
			list = append(list, []byte(value))
		}
		return SecretDigest(list)
	}
	base := digest("token", "metrics", "dashboard")
	for sentence, other := range map[string]string{
		"another token":              digest("token2", "metrics", "dashboard"),
		"another metrics token":      digest("token", "metricsX", "dashboard"),
		"another dashboard token":    digest("token", "metrics", "dashboardX"),
		"a letter that has moved":    digest("token", "metricsd", "ashboard"),
		"one secret less":            digest("token", "metrics"),
		"the same under another key": digest("other", "metrics", "dashboard"),
	} {
		if other == base || other == "" {
			t.Errorf("%s: the digest is %q, as it was", sentence, other)
		}
	}
	if again := digest("token", "metrics", "dashboard"); again != base {
		t.Errorf("the same secrets have the digests %s and %s", base, again)
	}
	if got := SecretDigest(nil); got != "" {
		t.Errorf("no secrets have the digest %q", got)
	}
}

// The pods follow the secrets that the spec names, the token first, and never the
// member token that the operator itself rotates.
func TestThePodsFollowTheSecretsOfTheSpec(t *testing.T) {
	bot := &v1alpha1.ArgusBot{}
	decode(t, crs(t)["testdata/bot-full.yaml"], bot)
	var names []string
	for _, secret := range FollowedSecrets(bot, testTarget(t, "testdata/bot-full.yaml", bot)) {
		names = append(names, secret.Ref.Name)
	}
	want := []string{"discord-bot", "scrape", "dash", "clickhouse"}
	if len(names) != len(want) || names[0] != want[0] {
		t.Errorf("followed are %v, want %v", names, want)
	}
	if deployment := must(BotDeployments(bot, nil, "digest", Forms()[0]))[0]; SecretDigestOf(deployment) != "digest" {
		t.Errorf("the pods do not carry the digest: %v", deployment.Spec.Template.Annotations)
	}
}
