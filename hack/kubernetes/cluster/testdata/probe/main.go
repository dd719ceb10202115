// Probe is what the node's own test runs in its pods: a server that reports what
// its pod is like, and a client that asks it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// report is what the server has found of its pod.
type report struct {
	UID          int    `json:"uid"`
	ReadOnlyRoot bool   `json:"readOnlyRoot"`
	Secret       string `json:"secret"`
	// Starts counts the starts that the volume has seen.
	Starts int `json:"starts"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve()
	case len(args) == 2 && args[0] == "get":
		return get(args[1])
	default:
		return errors.New("usage: probe serve | probe get URL")
	}
}

// serve inspects the pod once and answers every request with what it found.
func serve() error {
	found, err := inspect()
	if err != nil {
		return err
	}
	body, err := json.Marshal(found)
	if err != nil {
		return err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	server := &http.Server{Addr: ":8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

func inspect() (report, error) {
	secret, err := os.ReadFile("/secret/word")
	if err != nil {
		return report{}, err
	}
	starts, err := count("/data/starts")
	if err != nil {
		return report{}, err
	}
	err = os.WriteFile("/written", nil, 0o600)
	return report{
		UID:          os.Getuid(),
		ReadOnlyRoot: errors.Is(err, syscall.EROFS),
		Secret:       strings.TrimSpace(string(secret)),
		Starts:       starts,
	}, nil
}

// count adds one to the number in a file and returns it.
func count(file string) (int, error) {
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	number, _ := strconv.Atoi(string(before))
	number++
	return number, os.WriteFile(file, []byte(strconv.Itoa(number)), 0o600)
}

// get prints the answer of a URL, which may take a while to be there.
func get(url string) error {
	client := &http.Client{Timeout: 2 * time.Second}
	var last error
	for range 480 {
		body, err := fetch(client, url)
		if err == nil {
			fmt.Print(body)
			return nil
		}
		last = err
		time.Sleep(500 * time.Millisecond)
	}
	return last
}

func fetch(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return string(body), nil
}
