package tokens

import (
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Annotations of the server Secret. They are written together with the tokens that
// they speak of, so no crash comes between the two. The annotations by which a person
// asks for something stand there too, with the value that was acted upon.
const (
	// AnnotationRotatedAt is when the newest tokens were made, in RFC 3339; without it
	// they are as old as the Secret.
	AnnotationRotatedAt = "argus.dev/rotated-at"
	// AnnotationRotationSince is when the phase of the rotation under way began, in RFC 3339.
	AnnotationRotationSince = "argus.dev/rotation-since"
	// AnnotationSuperseded holds the fingerprints of the tokens that the rotation under
	// way takes out of use, separated by commas. It is there while one is under way.
	AnnotationSuperseded = "argus.dev/superseded-tokens"
)

// Marks are what a server Secret remembers of its rotation.
type Marks struct {
	// RotatedAt is when the newest tokens were made.
	RotatedAt time.Time
	// Since is when the present phase began; zero without a rotation.
	Since time.Time
	// Superseded are the fingerprints of the tokens that the rotation takes out of use;
	// none without a rotation.
	Superseded []string
	// Rotate and Drop are the values of the annotations of an ArgusFleet that were
	// acted upon last.
	Rotate, Drop string
}

// open tells whether a rotation is under way.
func (m Marks) open() bool { return len(m.Superseded) > 0 }

// ReadMarks reads the annotations of a server Secret. What cannot be read counts as
// not there.
func ReadMarks(annotations map[string]string) Marks {
	marks := Marks{
		RotatedAt: moment(annotations[AnnotationRotatedAt]),
		Since:     moment(annotations[AnnotationRotationSince]),
		Rotate:    annotations[v1alpha1.AnnotationRotateTokens],
		Drop:      annotations[v1alpha1.AnnotationDropOldToken],
	}
	marks.Superseded = List([]byte(annotations[AnnotationSuperseded]))
	return marks
}

func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// Annotations are the marks as they stand on the server Secret; a mark with the value
// "" is not there.
func (m Marks) Annotations() map[string]string {
	return map[string]string{
		AnnotationRotatedAt:             text(m.RotatedAt),
		AnnotationRotationSince:         text(m.Since),
		AnnotationSuperseded:            strings.Join(m.Superseded, ","),
		v1alpha1.AnnotationRotateTokens: m.Rotate,
		v1alpha1.AnnotationDropOldToken: m.Drop,
	}
}

func text(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
