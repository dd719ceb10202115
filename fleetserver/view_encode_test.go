package fleetserver

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestTheViewIsWrittenAsEncodingJSONWould(t *testing.T) {
	var e encoder
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9-]{0,12}`), rapid.SampledFrom([]string{`<a & "b">`, "\u2028\x00\x7f", "\xff"}))
	number := rapid.OneOf(
		rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64), rapid.Float64Range(0, 1e-5), rapid.Float64Range(0, 5),
		rapid.Map(rapid.IntRange(-1000, 1<<30), func(n int) float64 { return float64(n) }),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e21, 1e20, 1 << 53, 1<<53 + 2, 1e-7, 1e-6, math.MaxFloat64, -math.MaxFloat64}))
	at := rapid.Map(rapid.Int64Range(0, 4e15), func(micro int64) time.Time { return time.UnixMicro(micro).UTC() })
	rapid.Check(t, func(r *rapid.T) {
		var view fleetapi.View
		fill(r, reflect.ValueOf(&view).Elem(), text, number, at)
		want, err := json.Marshal(view)
		if err != nil {
			r.Fatal(err)
		}
		if got := e.encode(&view); string(got) != string(want) {
			r.Fatalf("written:\n%s\nencoding/json:\n%s", got, want)
		}
	})
}

func TestAViewOfManySpansIsWrittenInOrder(t *testing.T) {
	var e encoder
	view := fleetapi.View{Fleets: []fleetapi.Fleet{{Name: "a", Clusters: make([]fleetapi.Cluster, 2*encodedSpan+1)}, {Name: "b", Clusters: make([]fleetapi.Cluster, encodedSpan)}}}
	for i := range view.Fleets[0].Clusters {
		view.Fleets[0].Clusters[i].Number = i
	}
	want, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.encode(&view); string(got) != string(want) {
		t.Errorf("%d bytes differ from encoding/json's %d", len(got), len(want))
	}
}

// fill draws every field there is, so that one which is added to the wire and
// forgotten in the encoder is found.
func fill(r *rapid.T, into reflect.Value, text *rapid.Generator[string], number *rapid.Generator[float64], at *rapid.Generator[time.Time]) {
	switch into.Kind() {
	case reflect.String:
		into.SetString(text.Draw(r, "text"))
	case reflect.Float64:
		into.SetFloat(number.Draw(r, "number"))
	case reflect.Int:
		into.SetInt(rapid.Int64Range(-5, 1<<40).Draw(r, "int"))
	case reflect.Bool:
		into.SetBool(rapid.Bool().Draw(r, "bool"))
	case reflect.Pointer, reflect.Slice, reflect.Struct:
		fillParts(r, into, text, number, at)
	default:
		r.Fatalf("a field of kind %s: teach fill and the encoder about it", into.Kind())
	}
}

func fillParts(r *rapid.T, into reflect.Value, text *rapid.Generator[string], number *rapid.Generator[float64], at *rapid.Generator[time.Time]) {
	switch {
	case into.Type() == reflect.TypeFor[time.Time]():
		into.Set(reflect.ValueOf(at.Draw(r, "time")))
	case into.Kind() == reflect.Pointer:
		if rapid.Bool().Draw(r, "set") {
			into.Set(reflect.New(into.Type().Elem()))
			fill(r, into.Elem(), text, number, at)
		}
	case into.Kind() == reflect.Slice:
		length := rapid.IntRange(0, 3).Draw(r, "length")
		into.Set(reflect.MakeSlice(into.Type(), length, length))
		for i := range length {
			fill(r, into.Index(i), text, number, at)
		}
	default:
		for i := range into.NumField() {
			fill(r, into.Field(i), text, number, at)
		}
	}
}
