package apply

import "fmt"

// NameConflictError says that an object which is not ours stands under a name that
// we need. It was not touched.
type NameConflictError struct{ Kind, Name string }

func (e *NameConflictError) Error() string {
	return fmt.Sprintf("%s %q exists and is not ours: delete or rename it, or choose another name", e.Kind, e.Name)
}

// InvalidError says that a desired object is none that the API server could merge,
// because of something that the spec asks for.
type InvalidError struct {
	Kind, Name string
	Cause      error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("%s %q cannot be built from the spec: %v", e.Kind, e.Name, e.Cause)
}

// Unwrap is what is wrong.
func (e *InvalidError) Unwrap() error { return e.Cause }

// TerminatingError says that the object is still being deleted.
type TerminatingError struct{ Kind, Name string }

func (e *TerminatingError) Error() string {
	return fmt.Sprintf("%s %q is still being deleted", e.Kind, e.Name)
}
