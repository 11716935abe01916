//! What the node answers: the documented surface and the as-built one.
//!
//! The documented surface has what the runbook reads. The as-built one has what the public code answers, field by
//! field; what it lacks is absent here too. Reads that the runbook does not mention are the same on both.

use serde_json::{Value, json};

use super::fault::Fault;
use super::model::{Account, Change, Node};
use super::{Answer, Request, Surface};
use crate::base::{Digest, Wall};

/// The value of the as-built node's `X-Game-Build` header.
pub const GAME_BUILD: &str = "attack-fix-2025-08-28T11:45Z";

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const BLOCKS_SHOWN: u64 = 20;
const BLOCKS_SHOWN_AT_MOST: u64 = 200;

/// What a sluggish node adds to every answer: more than its document allows, and less than anybody's patience.
const SLUGGISH_MILLIS: u64 = 2_500;

/// Status, content type, body and cost, before the headers that every answer has.
type Content = (u16, &'static str, String, u64);

impl Node {
    /// Answers as of `now`, for which the node must have been advanced. Whoever sends the answer must also carry out
    /// what [`Node::consequence`] says.
    #[must_use]
    pub fn answer(&self, now: i64, request: &Request) -> Answer {
        let mut headers = Vec::new();
        if self.surface == Surface::AsBuilt {
            headers.push(("X-Game-Build", GAME_BUILD.to_owned()));
            headers.push(("Access-Control-Allow-Origin", "*".to_owned()));
        }
        let (status, content_type, body, takes_millis) = if self.fault_on(Fault::Redirect) {
            headers.push(("Location", "/login".to_owned()));
            (302, HTML, page("Found", "Found. Redirecting to /login"), 1)
        } else if self.fault_on(Fault::Status500) {
            (500, JSON, json!({"error": "Failed to read volchain health"}).to_string(), 10)
        } else if self.fault_on(Fault::Html) {
            (200, HTML, page("Sign in", "Please sign in to continue"), 2)
        } else {
            self.content(now, request)
        };
        let longer_millis = if self.fault_on(Fault::Sluggish) { SLUGGISH_MILLIS } else { 0 };
        Answer {
            status,
            content_type: content_type.into(),
            headers,
            date_millis: self.clock(now),
            body,
            takes_millis: takes_millis + longer_millis,
        }
    }

    /// What answering this request changes in the node.
    #[must_use]
    pub fn consequence(&self, request: &Request) -> Option<Change> {
        let replaced = [Fault::Redirect, Fault::Status500, Fault::Html].into_iter().any(|fault| self.fault_on(fault));
        let reconcile = request.method == "POST" && request.path == "/admin/volchain-reconcile-stake-from-gridb";
        (reconcile && !replaced && self.admitted(request)).then_some(Change::Reconciled)
    }

    fn content(&self, now: i64, request: &Request) -> Content {
        match request.method.as_str() {
            "GET" => self.read(now, request).map_or_else(|| not_found(request), |(body, takes)| ok(&body, takes)),
            "POST" => self.write(request).unwrap_or_else(|| not_found(request)),
            _ => not_found(request),
        }
    }

    fn read(&self, now: i64, request: &Request) -> Option<(Value, u64)> {
        let system = request.parameter("mode") == Some("system");
        Some(match request.path.as_str() {
            "/volchain/health" => (self.health(now), 10),
            "/volchain/verify" if system => (self.verify_system(now), 255),
            // Every other mode is the replay of the blocks.
            "/volchain/verify" => (self.verify_blocks(), 32),
            "/volchain/head" => (self.head(), 5),
            "/volchain/blocks" => (self.list_blocks(request), 12),
            "/chain/info" => (json!({"chain_id": "volchain-main"}), 2),
            "/admin/invariants/check" => (self.invariants(now), 40),
            _ => return None,
        })
    }

    fn health(&self, now: i64) -> Value {
        let block = self.blocks.last();
        let time = block.map(|block| block.time);
        match self.surface {
            Surface::Documented => json!({
                "height": self.height(),
                "last_block_age_seconds": time.map(|time| (self.clock(now) - time).div_euclid(1_000)),
                "mempoolSize": self.mempool_size(),
                // The document names no unit; the node counts it in milliseconds.
                "producerUptime": self.producer_uptime(now),
                "volchain_barrier_timeouts_total": self.counters.barrier_timeouts,
                "volchain_barrier_wait_ms_total": self.counters.barrier_wait_millis,
                "volchain_invariant_user_mismatch_total": self.counters.user_mismatches,
                "volchain_invariant_system_mismatch_total": self.counters.system_mismatches,
            }),
            Surface::AsBuilt => json!({
                "lastId": self.sealed,
                "lastHash": Digest::of(format!("event {} {}", self.seed, self.sealed).as_bytes()),
                "accounts": self.accounts.len(),
                "height": self.height(),
                "lastBlockId": self.sealed,
                "lastBlockHash": block.map(|block| &block.hash),
                "lastBlockTime": time,
                "mempoolSize": self.mempool_size(),
                "producerUptime": self.producer_uptime(now),
            }),
        }
    }

    fn verify_blocks(&self) -> Value {
        let broken = self.fault_on(Fault::ChainBroken);
        match self.surface {
            Surface::Documented => json!({"ok": !broken}),
            Surface::AsBuilt if broken => {
                let account = self.accounts.first();
                json!({
                    "ok": false, "error": "balance_mismatch", "mode": "blocks",
                    "account": account.map(|account| &account.pubkey),
                    "snapshot": account.map(|account| account.balance), "computed": account.map(|account| account.used),
                })
            }
            Surface::AsBuilt => {
                json!({"ok": true, "mode": "blocks", "height": self.height(), "accounts": self.accounts.len()})
            }
        }
    }

    fn verify_system(&self, now: i64) -> Value {
        let balance = self.total(|account| account.balance);
        let mined = self.total_mined();
        let issues = self.mismatched();
        match self.surface {
            Surface::Documented => {
                let mismatches = self.accounts.iter().filter(|account| account.balance != self.in_game(account.mined));
                let chain_ok = !self.fault_on(Fault::ChainBroken);
                json!({
                    "ok": issues == 0 && balance == mined && chain_ok,
                    "chainOk": chain_ok,
                    "system": {
                        "crossOk": balance == mined,
                        "details": {"balance": balance, "mined": mined, "difference": balance - mined},
                    },
                    "users": {
                        "ok": issues == 0,
                        "mismatches": mismatches.map(|account| self.documented_mismatch(account)).collect::<Vec<_>>(),
                    },
                })
            }
            Surface::AsBuilt => {
                let used = self.in_game(self.total(|account| account.used));
                json!({
                    "ok": issues == 0 && balance == mined,
                    "report": {
                        "timestamp": self.timestamp(now),
                        "system": {
                            "invariant_ok": balance == mined,
                            // The real node's `staked` is the game's `used`, not the chain's stakes.
                            "totals": {
                                "balance": balance, "mined": mined, "used": used,
                                "available": balance - used, "staked": used,
                            },
                            "differences": {
                                "balance_mined": balance - mined, "used_available": 0, "total_supply_check": 0,
                            },
                        },
                        "users": self.accounts.iter().map(|account| self.reported_user(account)).collect::<Vec<_>>(),
                        "summary": {
                            "total_users": self.accounts.len(),
                            "users_with_issues": issues,
                            "system_ok": balance == mined,
                        },
                    },
                })
            }
        }
    }

    fn head(&self) -> Value {
        let height = self.height();
        let state = Digest::of(format!("state {} {height} {}", self.seed, self.sealed).as_bytes());
        json!({"height": height, "appHash": state, "time": self.blocks.last().map(|block| block.time)})
    }

    fn list_blocks(&self, request: &Request) -> Value {
        let number = |name| request.parameter(name).and_then(|value| value.parse::<u64>().ok());
        let limit = number("limit").unwrap_or(BLOCKS_SHOWN).clamp(1, BLOCKS_SHOWN_AT_MOST);
        let from = number("cursor").unwrap_or(u64::MAX);
        let mut older = self.blocks.iter().rev().filter(|block| block.height <= from);
        let shown: Vec<_> = older.by_ref().take(usize::try_from(limit).unwrap_or(0)).collect();
        let next = older.next().map(|block| block.height);
        let headers: Vec<Value> = shown
            .into_iter()
            .map(|block| {
                json!({
                    "height": block.height, "prev_hash": block.prev_hash, "hash": block.hash, "time": block.time,
                    "txsHash": block.transactions_hash, "validator": "LOCAL", "signature": null,
                    "count": block.count,
                })
            })
            .collect();
        json!({"blocks": headers, "nextCursor": next})
    }

    fn invariants(&self, now: i64) -> Value {
        let supply = self.total(|account| account.balance);
        let mined = self.total_mined();
        let mut issues = Vec::new();
        if supply != mined {
            issues.push(format!("SYSTEM_SUPPLY_MINED: {supply} ≠ {mined}"));
        }
        for account in &self.accounts {
            let mined = self.in_game(account.mined);
            if account.balance != mined {
                let key = account.pubkey.as_str().get(..8).unwrap_or_default();
                issues.push(format!("USER_BALANCE_MINED:{key}: {} ≠ {mined}", account.balance));
            }
        }
        json!({
            "status": if issues.is_empty() { "HEALTHY" } else { "ISSUES_DETECTED" },
            "issues": issues,
            "timestamp": self.timestamp(now),
            "summary": {
                "totalSupply": supply,
                "totalMined": mined,
                "totalStaked": self.total(|account| account.staked),
                "totalUsers": self.accounts.len(),
            },
        })
    }

    /// Writes. Whatever a reconciliation changes, it answers the same.
    fn write(&self, request: &Request) -> Option<Content> {
        let forbidden = |body: Value| (403, JSON, body.to_string(), 3);
        Some(match request.path.as_str() {
            "/admin/volchain-reconcile-stake-from-gridb" if self.admitted(request) => {
                ok(&json!({"ok": true, "stakedAccounts": self.stakers()}), 20)
            }
            "/admin/volchain-reconcile-stake-from-gridb"
            | "/admin/reconcile"
            | "/admin/reconcile-json-to-pg"
            | "/admin/volchain-stake-align" => forbidden(json!({"ok": false, "error": "admin_secret_required"})),
            "/admin/volchain-align-from-digzone" | "/admin/volchain-faucet" => {
                forbidden(json!({"ok": false, "error": "forbidden"}))
            }
            "/admin/volchain-reset-reseed" => {
                forbidden(json!({"success": false, "error": "reset_disabled_in_production"}))
            }
            "/admin/volchain-seed-backfill" | "/volchain-backfill-from-snapshot" => {
                forbidden(json!({"error": "backfill_disabled"}))
            }
            _ => return None,
        })
    }

    fn admitted(&self, request: &Request) -> bool {
        self.admin_secret.is_some() && self.admin_secret.as_deref() == request.admin_secret.as_deref().map(str::trim)
    }

    fn timestamp(&self, now: i64) -> String {
        Wall(self.clock(now)).to_string()
    }

    fn documented_mismatch(&self, account: &Account) -> Value {
        json!({
            "username": account.username, "pubkey": account.pubkey,
            "balance": account.balance, "mined": self.in_game(account.mined),
        })
    }

    fn reported_user(&self, account: &Account) -> Value {
        let (mined, used) = (self.in_game(account.mined), self.in_game(account.used));
        json!({
            "pubkey": account.pubkey, "username": account.username,
            "balance": account.balance, "mined": mined, "used": used,
            "available": account.balance - used,
            "invariant_ok": account.balance == mined,
            "differences": {"balance_mined": account.balance - mined, "used_available": 0},
        })
    }
}

fn ok(body: &Value, takes_millis: u64) -> Content {
    (200, JSON, body.to_string(), takes_millis)
}

fn not_found(request: &Request) -> Content {
    (404, HTML, page("Error", &format!("Cannot {} {}", request.method, request.path)), 2)
}

fn page(title: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><pre>{text}</pre></body></html>\n")
}
