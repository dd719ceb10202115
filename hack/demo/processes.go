package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/hack/local"
)

// operatorName is what the operator's log is called.
const operatorName = "operator"

// processes are what a demo without a node runs in place of pods.
type processes struct {
	dir     string // of binaries, tokens, state and logs
	port    int    // of the control plane
	started []*exec.Cmd
	waiting sync.WaitGroup
}

func (d *demo) processSteps() []step {
	return []step{
		{"removing what an earlier demo left behind", d.sweep},
		{"compiling the three programs", d.compilePrograms},
		{"starting a local Kubernetes without a node", d.startCluster},
		{"starting the operator", d.startOperator},
		{"applying config/samples/demo.yaml", d.apply},
		{"waiting for what the operator makes of it", d.waitBuilt},
		{"starting the control plane with the tokens that the operator made", d.startFleet},
		{"starting one member for each cluster, as the operator rolls them out", d.startMembers},
		{"waiting until both have registered and the bot is ready", d.waitJoined},
	}
}

func (d *demo) compilePrograms(ctx context.Context) (err error) {
	if d.processes.dir, err = os.MkdirTemp("", "argus-demo-"); err != nil {
		return fmt.Errorf("making room: %w", err)
	}
	version, err := local.Version(d.root)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", "-X main.version="+version, "-o", d.processes.dir+"/",
		"./cmd/manager", "./cmd/argus-fleet", "./cmd/argus-bot")
	cmd.Dir = d.root
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling: %w\n%s", err, bytes.TrimSpace(printed))
	}
	return nil
}

// launch starts a program that runs until the demo ends. What it says goes to a file.
func (p *processes) launch(ctx context.Context, name, program string, env []string, args ...string) error {
	log, err := os.Create(filepath.Join(p.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(p.dir, program), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir}, env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		_ = log.Close()
		return fmt.Errorf("starting %s: %w", name, err)
	}
	p.started = append(p.started, cmd)
	p.waiting.Go(func() {
		_ = cmd.Wait()
		_ = log.Close()
	})
	return nil
}

// end stops all of them, and takes their files away.
func (p *processes) end() {
	for _, cmd := range p.started {
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	p.waiting.Wait()
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// diagnose shows the end of what each of them said.
func (p *processes) diagnose(w io.Writer) {
	logs, _ := filepath.Glob(filepath.Join(p.dir, "*.log"))
	for _, path := range logs {
		content, _ := os.ReadFile(path)
		fmt.Fprintf(w, "--- %s\n%s\n", filepath.Base(path), content[max(0, len(content)-2000):])
	}
}

func (d *demo) startOperator(ctx context.Context) error {
	if _, err := d.kubectl.Output(ctx, "apply", "--server-side", "--kustomize", filepath.Join(d.root, "config", "crd")); err != nil {
		return err
	}
	if err := d.wait(ctx, "crd", "argusbots.argus.dev", "argusfleets.argus.dev", "--for=condition=Established"); err != nil {
		return err
	}
	env := []string{"KUBECONFIG=" + d.cluster.Kubeconfig, "POD_NAMESPACE=" + local.Namespace}
	return d.processes.launch(ctx, operatorName, "manager", env,
		"--leader-elect=false", "--metrics-bind-address=0", "--health-probe-bind-address=0", "--log-format=text")
}

// waitBuilt waits until the Deployments and the tokens are there.
func (d *demo) waitBuilt(ctx context.Context) error {
	for _, object := range []string{"secret/main-fleet-server", "deployment/main-fleet", "deployment/mybot-bot-0"} {
		if err := d.wait(ctx, "--for=create", object); err != nil {
			return err
		}
	}
	return nil
}

// file writes a key of a Secret into a file of our own, as a mount would.
func (d *demo) file(ctx context.Context, secret, key string) (string, error) {
	value, err := d.secret(ctx, secret, key)
	if err != nil {
		return "", err
	}
	path := filepath.Join(d.processes.dir, secret+"."+key)
	return path, os.WriteFile(path, value, 0o600)
}

func (d *demo) startFleet(ctx context.Context) (err error) {
	if d.processes.port, err = freePort(ctx, fleetPort); err != nil {
		return err
	}
	env := []string{
		"ARGUS_FLEET_HOST=127.0.0.1", "ARGUS_FLEET_PORT=" + strconv.Itoa(d.processes.port),
		"ARGUS_FLEET_STATE=" + filepath.Join(d.processes.dir, "state.db"),
	}
	for variable, key := range map[string]string{
		"ARGUS_FLEET_INGEST_TOKEN_FILE": "ingest-token", "ARGUS_FLEET_VIEWER_TOKEN_FILE": "viewer-token", "ARGUS_FLEET_ADMIN_TOKEN_FILE": "admin-token",
	} {
		path, err := d.file(ctx, "main-fleet-server", key)
		if err != nil {
			return err
		}
		env = append(env, variable+"="+path)
	}
	if err := d.processes.launch(ctx, "control-plane", "argus-fleet", env); err != nil {
		return err
	}
	if err := waitForPort(ctx, d.processes.port); err != nil {
		return err
	}
	return d.standIn(ctx, "argus.dev/fleet=main", "fleet")
}

// startMembers runs what the pods of the bot's Deployments would, with the environment
// that the operator gave them; addresses and paths are this machine's.
func (d *demo) startMembers(ctx context.Context) error {
	token, err := d.file(ctx, "discord-bot", "token")
	if err != nil {
		return err
	}
	member, err := d.file(ctx, "main-fleet-member", "token")
	if err != nil {
		return err
	}
	for index, name := range []string{"mybot-bot-0", "mybot-bot-1"} {
		if err := d.wait(ctx, "--for=create", "deployment/"+name); err != nil {
			return err
		}
		var deployment appsv1.Deployment
		if err := d.read(ctx, &deployment, "deployment", name); err != nil {
			return err
		}
		port, err := freePort(ctx, 9300)
		if err != nil {
			return err
		}
		here := map[string]string{
			"ARGUS_HOST": "127.0.0.1", "ARGUS_PORT": strconv.Itoa(port), "POD_IP": "127.0.0.1",
			"ARGUS_FLEET_URL":        fmt.Sprintf("http://127.0.0.1:%d", d.processes.port),
			"ARGUS_FLEET_TOKEN_FILE": member, "DISCORD_TOKEN_FILE": token,
			"ARGUS_FLEET_STATE_DIR": filepath.Join(d.processes.dir, name),
			// Nothing scrapes here, and a control plane scrapes no loopback address.
			"ARGUS_FLEET_SCRAPE_TARGET": "",
		}
		if err := d.processes.launch(ctx, name, "argus-bot", environment(deployment.Spec.Template.Spec.Containers[0].Env, here)); err != nil {
			return err
		}
		if err := waitForPort(ctx, port); err != nil {
			return err
		}
		if err := d.standIn(ctx, fmt.Sprintf("argus.dev/bot=mybot,argus.dev/cluster=%d", index), "bot"); err != nil {
			return err
		}
	}
	return nil
}

// standIn says of a pod what a kubelet would say, now that a process runs in its place:
// the operator changes the next cluster when the one before is ready.
func (d *demo) standIn(ctx context.Context, selector, container string) error {
	var name string
	for {
		printed, err := d.kubectl.Output(ctx, "get", "pods", "--namespace", namespace, "--selector="+selector, "--output=name")
		if err != nil {
			return err
		}
		if name = strings.TrimSpace(printed); name != "" {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	now := metav1.Now()
	condition := func(kind corev1.PodConditionType) corev1.PodCondition {
		return corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now}
	}
	status, err := json.Marshal(map[string]any{"status": corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: "127.0.0.1", PodIPs: []corev1.PodIP{{IP: "127.0.0.1"}}, StartTime: &now,
		Conditions: []corev1.PodCondition{condition(corev1.PodReady), condition(corev1.ContainersReady), condition(corev1.PodInitialized)},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: container, Ready: true, Started: new(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		}},
	}})
	if err != nil {
		return err
	}
	_, err = d.kubectl.Output(ctx, "patch", name, "--namespace", namespace, "--subresource=status", "--type=merge", "--patch", string(status))
	return err
}

// environment is that of a container, with some variables replaced, and those left out
// that are replaced by nothing or that only a kubelet can fill.
func environment(wanted []corev1.EnvVar, replaced map[string]string) (env []string) {
	for _, variable := range wanted {
		value, known := replaced[variable.Name]
		if known && value == "" || !known && variable.ValueFrom != nil {
			continue
		}
		if !known {
			value = variable.Value
		}
		env = append(env, variable.Name+"="+value)
	}
	return env
}

// waitJoined waits until the control plane counts both members as up, and the operator
// calls the bot ready.
func (d *demo) waitJoined(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	token, err := d.viewerToken(ctx)
	if err != nil {
		return err
	}
	fleet, err := fleetapi.NewClient(fmt.Sprintf("http://127.0.0.1:%d", d.processes.port), fleetapi.ClientOptions{
		Token: func() (string, error) { return token, nil },
	})
	if err != nil {
		return err
	}
	defer fleet.Close()
	for {
		summary, err := fleet.Summary(ctx)
		if err == nil && summary.ClustersUp == 2 {
			return d.wait(ctx, "--for=condition=Ready", "argusbot/mybot")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of 2 members are up: %w", summary.ClustersUp, errors.Join(ctx.Err(), err))
		case <-time.After(500 * time.Millisecond):
		}
	}
}
