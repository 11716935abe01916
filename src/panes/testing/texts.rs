//! The files of the unnamed chain.

pub const SYSTEM: &str = r#"(
    title: "Chain",
    summary: "a chain",
    endpoints: [(id: "api", job: "chain", default_port: 3001)],
    sources: [
        (id: "health", endpoint: "api", interval_seconds: 2, timeout_seconds: 3, limit_bytes: 65536, decides_up: true,
         kind: PrometheusText((path: "/health", limit_series: 100))),
        (id: "verify", endpoint: "api", interval_seconds: 30, timeout_seconds: 10, limit_bytes: 65536,
         kind: PrometheusText((path: "/verify", limit_series: 100))),
    ],
    panels: [
        (id: "chain", dimension: ChainHealth, title: "chain", rows: [
            (label: "node up", expr: "up", unit: YesNo, critical: "up == bool 0"),
            (label: "height", expr: "height", critical: "height == bool 0"),
            (label: "last block", expr: "age_seconds", unit: Seconds, critical: "age_seconds > bool 60"),
            (label: "blocks verified", expr: "verify_ok", unit: YesNo, critical: "verify_ok == bool 0"),
            (label: "users with issues", expr: "users_with_issues", warning: "users_with_issues > bool 0"),
        ]),
        (id: "mempool", dimension: Mempool, title: "mempool and barriers", rows: [
            (label: "pending", expr: "mempool_size", warning: "mempool_size > bool 1000"),
            (label: "sealed in 1 min", expr: "increase(sealed_total[1m])"),
            (label: "timeouts in 5 min", expr: "increase(timeouts_total[5m])"),
        ]),
    ],
    slos: [
        (id: "blocks", title: "a block within a minute", objective: 0.995, window: "30d", level: "age_seconds <= bool 60",
         provenance: (from: ["chain:60-63"], deviates: "the document has the limit and no aim: 99.5 % is ours")),
        (id: "sealed", title: "transactions are sealed", objective: 0.99, window: "7d",
         good: "increase(sealed_total[1m])", total: "increase(received_total[1m])"),
        (id: "latency", title: "answers within 2 s", needs_definition: "the node exposes no answer times",
         provenance: (documented: ["p95 < 2 s"])),
    ],
    chart: (title: "pending transactions", expr: "mempool_size"),
    allowed_reads: ["GET /health", "GET /verify"],
)"#;

pub const RULES: &str = r#"
groups:
  - name: chain
    interval: 5s
    rules:
      - alert: BlocksStale
        expr: age_seconds > 60
        labels: {severity: critical}
        annotations:
          summary: "no new block for {{ $value }} s"
          opsconsole_from: "chain:60-63"
          opsconsole_documented: "age_seconds > 60, for 2m"
          opsconsole_deviates: "an idle chain fires it too: the diagnosis decides, not the alert"
      - alert: MempoolOverload
        expr: mempool_size > 1000
        for: 3m
        labels: {severity: warning}
      - alert: BarrierTimeouts
        expr: increase(timeouts_total[5m]) > 0
        labels: {severity: warning}
"#;

pub const RUNBOOK: &str = r#"(
    title: "stale blocks",
    summary: "the newest block is older than a minute",
    severity: Critical,
    alerts: ["BlocksStale"],
    from: ["chain:60-63"],
    panels: [
        (label: "age of the newest block", expr: "age_seconds", unit: Seconds),
        (label: "transactions waiting", expr: "mempool_size"),
    ],
    steps: [
        (
            id: "look",
            title: "read what the node says of its blocks and its mempool",
            documented: ["curl -s localhost:3001/health | jq '.mempoolSize'"],
            deviates: "a value that is not measured is shown as such, and not as null",
            kind: Check((readings: [
                (label: "age of the newest block", expr: "age_seconds", unit: Seconds),
                (label: "transactions waiting", expr: "mempool_size"),
            ])),
        ),
        (
            id: "cause",
            title: "why is the newest block old?",
            kind: Branch((branches: [
                (
                    id: "stuck",
                    title: "transactions wait and nothing is sealed",
                    when: [
                        (means: "transactions are waiting", expr: "mempool_size > bool 0"),
                        (means: "the newest block is older than a minute", expr: "age_seconds > bool 60"),
                    ],
                    steps: [
                        (
                            id: "restart",
                            title: "restart the node",
                            from: ["chain:81-82"],
                            documented: ["sudo systemctl restart node"],
                            deviates: "the document reads one figure after it; here the cure is measured",
                            answers: ["D16"],
                            kind: Sequence((
                                class: Serious,
                                only_if: [(means: "transactions are waiting", expr: "mempool_size > bool 0")],
                                acts: [(id: "restart-unit", title: "restart the unit", unit: "node",
                                        does: Command(["systemctl", "restart", "node"]), timeout_seconds: 90)],
                                expect: "the node is away for a few seconds and seals again",
                                settle_seconds: 10,
                                verify: [
                                    (means: "the node answers", expr: "up == bool 1"),
                                    (means: "the newest block is young", expr: "age_seconds <= bool 60"),
                                ],
                                verify_within_seconds: 120,
                                way_back: None("a restart can not be undone"),
                                escalation: (severity: Critical, contacts: ["on-call"], respond_within_minutes: 15,
                                             say: "a restart did not help"),
                            )),
                        ),
                        (id: "cured", title: "the chain seals again", only_after: Verified,
                         kind: Conclude((finding: "the height grows again"))),
                        (id: "tell", title: "hand over", only_after: Failed,
                         kind: Escalate((to: (severity: Critical, contacts: ["on-call"], respond_within_minutes: 15,
                                              say: "a restart did not help")))),
                    ],
                ),
                (
                    id: "idle",
                    title: "nothing waits to be sealed",
                    when: [(means: "no transaction is waiting", expr: "mempool_size == bool 0")],
                    steps: [(id: "idle-end", title: "the chain is idle", kind: Conclude((finding: "it is idle")))],
                ),
            ])),
        ),
    ],
)"#;
