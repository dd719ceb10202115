// Package gitops holds what the project gives to GitOps tools: Argo CD's health and
// action scripts run on dumps of objects, in a Lua that is cut down as Argo CD's is,
// and the samples are decoded strictly.
package gitops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// scriptTime is what Argo CD gives a script.
const scriptTime = time.Second

// Settings are what teaches Argo CD the two kinds: the data of its ConfigMap.
func Settings(root string) (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(root, "config", "argocd", "argocd-cm.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading Argo CD's settings: %w", err)
	}
	var c corev1.ConfigMap
	if err := yaml.UnmarshalStrict(content, &c); err != nil {
		return nil, fmt.Errorf("reading Argo CD's settings: %w", err)
	}
	return c.Data, nil
}

// Health is what a script of health says of an object.
type Health struct{ Status, Message string }

// HealthOf runs the script of health of the object's kind.
func HealthOf(settings map[string]string, object map[string]any) (Health, error) {
	kind, _ := object["kind"].(string)
	said, err := Run(settings["resource.customizations.health.argus.dev_"+kind], object)
	if err != nil {
		return Health{}, err
	}
	status, _ := said["status"].(string)
	message, _ := said["message"].(string)
	return Health{status, message}, nil
}

// Actions is what the settings say of the actions of a kind.
type Actions struct {
	Merge       bool     `json:"mergeBuiltinActions"`
	Discovery   string   `json:"discovery.lua"`
	Definitions []Action `json:"definitions"`
}

// Action is one of them.
type Action struct {
	Name   string `json:"name"`
	Script string `json:"action.lua"`
}

// ActionsOf finds the actions of a kind.
func ActionsOf(settings map[string]string, kind string) (Actions, error) {
	var a Actions
	err := yaml.UnmarshalStrict([]byte(settings["resource.customizations.actions.argus.dev_"+kind]), &a)
	return a, err
}

// Offered lists the actions by name, and whether each is enabled for the object.
func (a Actions) Offered(object map[string]any) (map[string]bool, error) {
	said, err := Run(a.Discovery, object)
	if err != nil {
		return nil, err
	}
	offered := map[string]bool{}
	for name, state := range said {
		fields, _ := state.(map[string]any)
		offered[name] = fields["disabled"] != true
	}
	return offered, nil
}

// Apply returns what an action makes of the object.
func (a Actions) Apply(name string, object map[string]any) (map[string]any, error) {
	for _, action := range a.Definitions {
		if action.Name == name {
			return Run(action.Script, object)
		}
	}
	return nil, fmt.Errorf("there is no action %s", name)
}

// Run runs a script with the object as obj and returns the table that it returns.
// Only the libraries of Argo CD are open: a script that uses another fails here too.
func Run(script string, object map[string]any) (map[string]any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.LoadLibName: lua.OpenPackage,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	state.PreloadModule(lua.OsLibName, openClock)
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return nil, fmt.Errorf("the script fails: %w", err)
	}
	table, ok := fromLua(state.Get(-1)).(map[string]any)
	if !ok {
		return nil, errors.New("the script returns a " + state.Get(-1).Type().String())
	}
	return table, nil
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
