package fleetserver

import "testing"

func TestFramesToReplayAreBoundedInNumberAndBytes(t *testing.T) {
	for name, tc := range map[string]struct {
		frames, bytes int // of each
		kept          int
	}{
		"few and small ones are all kept":     {10, 100, 10},
		"many small ones, the last 64":        {100, 100, 64},
		"large ones, what the bytes allow":    {10, replayBytes / 4, 4},
		"one beyond all bounds is not stored": {3, replayBytes + 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hub{}
			shared := make([]byte, tc.bytes)
			for seq := range tc.frames {
				h.remember(frame{seq: seq, wire: shared})
			}
			if len(h.recent) != tc.kept {
				t.Fatalf("%d frames are kept, want %d", len(h.recent), tc.kept)
			}
			for i, f := range h.recent {
				if want := tc.frames - tc.kept + i; f.seq != want {
					t.Errorf("frame %d is number %d, want %d", i, f.seq, want)
				}
			}
		})
	}
}
