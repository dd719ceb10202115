//go:build e2e

package upgrade

import "testing"

func TestImagesAreSmall(t *testing.T) {
	const most = 40 << 20
	for _, name := range []string{"argus-operator", "argus-fleet"} {
		size := stage.ImageSizes["ghcr.io/argus-dev/"+name+":"+stage.Version]
		t.Logf("%s: %.1f MiB", name, float64(size)/(1<<20))
		if size == 0 || size > most {
			t.Errorf("the image %s has %d bytes, want at most %d", name, size, most)
		}
	}
}
