// Package gitops holds what the project gives to GitOps tools: Argo CD's health and
// action scripts run on dumps of objects, in a Lua that is cut down as Argo CD's is,
// and the samples are decoded strictly.
package gitops

import (
	"context"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// scriptTime is what Argo CD gives a script.
const scriptTime = time.Second

// run runs a script with the object as obj and returns the table that it returns.
// Only the libraries of Argo CD are open: a script that uses another fails here too.
func run(t *testing.T, script string, obj map[string]any) map[string]any {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.LoadLibName: lua.OpenPackage,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			t.Fatal(err)
		}
	}
	state.PreloadModule(lua.OsLibName, openClock)
	ctx, cancel := context.WithTimeout(t.Context(), scriptTime)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, obj))
	if err := state.DoString(script); err != nil {
		t.Fatalf("the script fails: %v", err)
	}
	table, ok := fromLua(state.Get(-1)).(map[string]any)
	if !ok {
		t.Fatalf("the script returns a %s", state.Get(-1).Type())
	}
	return table
}

// openClock is the part of os that Argo CD leaves: the clock.
func openClock(state *lua.LState) int {
	state.Push(state.SetFuncs(state.NewTable(), map[string]lua.LGFunction{
		"date": func(state *lua.LState) int {
			if state.CheckString(1) != "!%Y-%m-%dT%H:%M:%SZ" {
				state.RaiseError("a format that the test does not know: %s", state.CheckString(1))
			}
			state.Push(lua.LString(time.Now().UTC().Format(time.RFC3339)))
			return 1
		},
	}))
	return 1
}

// toLua turns decoded JSON into Lua's values. A null is not there, as in Argo CD.
func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, element := range value {
			table.RawSetString(key, toLua(state, element))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, element := range value {
			table.Append(toLua(state, element))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case int64:
		return lua.LNumber(value)
	}
	return lua.LNil
}

// fromLua is toLua's opposite. A table with the key 1 is a list.
func fromLua(value lua.LValue) any {
	switch value := value.(type) {
	case *lua.LTable:
		if value.Len() > 0 {
			list := make([]any, 0, value.Len())
			value.ForEach(func(_, element lua.LValue) { list = append(list, fromLua(element)) })
			return list
		}
		table := map[string]any{}
		value.ForEach(func(key, element lua.LValue) { table[key.String()] = fromLua(element) })
		return table
	case lua.LString:
		return string(value)
	case lua.LBool:
		return bool(value)
	case lua.LNumber:
		return float64(value)
	}
	return nil
}
