package apply

import "fmt"

// NameConflictError says that an object which is not ours stands under a name that
// we need. It was not touched.
type NameConflictError struct{ Kind, Name string }

func (e *NameConflictError) Error() string {
	return fmt.Sprintf("%s %q exists and is not ours: delete or rename it, or choose another name", e.Kind, e.Name)
}

// TerminatingError says that the object is still being deleted.
type TerminatingError struct{ Kind, Name string }

func (e *TerminatingError) Error() string {
	return fmt.Sprintf("%s %q is still being deleted", e.Kind, e.Name)
}
