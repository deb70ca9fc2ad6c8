package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// typed are the kinds that Kubernetes itself knows.
func typed() map[string]any {
	return map[string]any{
		"Deployment": &appsv1.Deployment{}, "Job": &batchv1.Job{}, "CronJob": &batchv1.CronJob{}, "Service": &corev1.Service{},
		"Namespace": &corev1.Namespace{}, "ServiceAccount": &corev1.ServiceAccount{},
		"NetworkPolicy": &networkingv1.NetworkPolicy{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
	}
}

// object is a Kubernetes object of a file.
type object struct {
	file, kind string
	value      any // of typed; nil for others
	text       []byte
}

// objects reads all Kubernetes objects, refusing fields that their kind does not have.
func objects(t *testing.T) []object {
	t.Helper()
	var all []object
	for file, text := range files(t) {
		if !strings.HasPrefix(file, "kubernetes/") || filepath.Ext(file) != ".yaml" {
			continue
		}
		for document := range strings.SplitSeq(text, "\n---\n") {
			var head struct {
				Kind string `json:"kind"`
			}
			if err := yaml.Unmarshal([]byte(document), &head); err != nil || head.Kind == "" {
				t.Fatalf("%s: kind %q, %v", file, head.Kind, err)
			}
			o := object{file: file, kind: head.Kind, value: typed()[head.Kind], text: []byte(document)}
			target := o.value
			if target == nil {
				target = &map[string]any{} // of another's: keys that are given twice are refused all the same
			}
			if err := yaml.UnmarshalStrict(o.text, target); err != nil {
				t.Errorf("%s: %s: %v", file, head.Kind, err)
			}
			all = append(all, o)
		}
	}
	return all
}

// podSpecs are the pods of all objects, by file.
func podSpecs(t *testing.T) map[string]corev1.PodSpec {
	t.Helper()
	pods := map[string]corev1.PodSpec{}
	for _, o := range objects(t) {
		switch value := o.value.(type) {
		case *appsv1.Deployment:
			pods[o.file] = value.Spec.Template.Spec
		case *batchv1.Job:
			pods[o.file] = value.Spec.Template.Spec
		case *batchv1.CronJob:
			pods[o.file] = value.Spec.JobTemplate.Spec.Template.Spec
		}
	}
	return pods
}

// TestKubernetes: every object is one of its kind, every file is used, and pods run
// with as little as they need.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	used := read(t, "kubernetes/kustomization.yaml") + read(t, "kubernetes/keda/kustomization.yaml") + read(t, "kubernetes/monitoring/kustomization.yaml")
	kinds := map[string]int{}
	for _, o := range objects(t) {
		kinds[o.kind]++
		if base := filepath.Base(o.file); base != "kustomization.yaml" && !strings.Contains(used, base) {
			t.Errorf("%s is in no kustomization", o.file)
		}
	}
	for kind, want := range map[string]int{
		"Deployment": 2, "Job": 1, "CronJob": 1, "PodDisruptionBudget": 2, "NetworkPolicy": 2, "ScaledObject": 1, "PodMonitor": 1, "PrometheusRule": 1,
	} {
		if kinds[kind] != want {
			t.Errorf("%d of %s, want %d", kinds[kind], kind, want)
		}
	}
	for file, pod := range podSpecs(t) {
		if pod.SecurityContext == nil || !*pod.SecurityContext.RunAsNonRoot || *pod.AutomountServiceAccountToken {
			t.Errorf("%s: may run as root, or talk to Kubernetes", file)
		}
		for _, c := range pod.Containers {
			s := c.SecurityContext
			if s == nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("%s: %s may do more than it needs", file, c.Name)
			}
			for _, mount := range c.VolumeMounts {
				if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }) {
					t.Errorf("%s: no volume %s", file, mount.Name)
				}
			}
			for _, e := range c.Env {
				if (strings.Contains(e.Name, "KEY") || strings.Contains(e.Name, "TOKEN")) && !strings.HasSuffix(e.Name, "_FILE") {
					t.Errorf("%s: %s is no file", file, e.Name)
				}
			}
		}
	}
}

// TestKubernetes_Kustomize builds what would be applied.
func TestKubernetes_Kustomize(t *testing.T) {
	t.Parallel()
	kustomize := tool(t, "kustomize")
	for _, dir := range []string{".", "kubernetes"} {
		out, err := exec.CommandContext(t.Context(), kustomize, "build", dir).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "image: registry.example.com/casflow:dev") {
			t.Errorf("kustomize build %s: %v\n%.2000s", dir, err, out)
		}
		// Where KEDA scales the workers, an apply must not.
		for document := range strings.SplitSeq(string(out), "\n---\n") {
			var worker appsv1.Deployment
			if err := yaml.Unmarshal([]byte(document), &worker); err != nil || worker.Kind != "Deployment" || worker.Name != "casflow-worker" {
				continue
			}
			if counted := worker.Spec.Replicas != nil; counted != (dir == "kubernetes") {
				t.Errorf("kustomize build %s: replicas of the worker are set: %t", dir, counted)
			}
		}
	}
}

// tool is a program that make deps fetches, in the one version that the Makefile names.
func tool(t *testing.T, name string) string {
	t.Helper()
	version := between(read(t, "../Makefile"), strings.ToUpper(name)+"_VERSION := ", "\n")
	path, err := filepath.Abs("../bin/tools/" + name + "-" + version)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	return path
}

// TestGrace: whatever runs a worker gives it, once it is told to stop, the time that a
// call may take, 30 s to save its answer, and 5 s to end.
func TestGrace(t *testing.T) {
	t.Parallel()
	page, _ := help(t, "worker", "run")
	timeout, err := time.ParseDuration(between(page, "env CASPARSER_TIMEOUT, default ", ")"))
	if err != nil {
		t.Fatal(err)
	}
	for file, set := range map[string]string{
		"kubernetes/settings.env": between(read(t, "kubernetes/settings.env"), "CASPARSER_TIMEOUT=", "\n"),
		"default":                 timeout.String(),
	} {
		if d, err := time.ParseDuration(set); err != nil || d > timeout {
			t.Errorf("%s: CASPARSER_TIMEOUT is %s, longer than what is counted with (%v)", file, set, err)
		}
	}
	least := timeout + 35*time.Second
	grace := map[string]time.Duration{
		"kubernetes/worker.yaml": time.Duration(*podSpecs(t)["kubernetes/worker.yaml"].TerminationGracePeriodSeconds) * time.Second,
	}
	for file, set := range map[string]string{
		"compose.yaml":                   between(read(t, "compose.yaml"), "stop_grace_period: ", "\n"),
		"systemd/casflow-worker.service": between(read(t, "systemd/casflow-worker.service"), "TimeoutStopSec=", "\n") + "s",
	} {
		if grace[file], err = time.ParseDuration(set); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for file, given := range grace {
		if given < least {
			t.Errorf("%s gives a worker %s to end, want %s or more", file, given, least)
		}
	}
}

// between is what stands in text between two others, "" where they do not.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
