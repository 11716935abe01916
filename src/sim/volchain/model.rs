//! The life of the node: users, mempool, producer, barriers, counters.
//!
//! Life goes in ticks of a quarter of a second that count from the node's start, so that the chain depends on the
//! seed and on when something was changed, never on how often somebody looked.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};
use super::{Answer, Delivery, Lives, LogRecord, RECORDS_KEPT, Random, Request, Service, ServiceState, Surface, Verb};
use crate::base::{Digest, Ring};

/// Transactions that one block takes.
pub const BLOCK_CAPACITY: usize = 50;
/// Pending transactions that the node keeps; more are refused.
pub const MEMPOOL_LIMIT: usize = 5_000;

const TICK_MILLIS: i64 = 250;
const SEAL_MILLIS: i64 = 1_000;
/// What is added to a block where sealing is slow.
const SLOW_SEAL_MILLIS: i64 = 4_000;
/// How long the game waits for its transaction to be sealed, where nobody has said otherwise.
const BARRIER_MILLIS: i64 = 2_000;
/// A jump of the clock beyond this is not lived through.
const CATCH_UP_MILLIS: i64 = 24 * 3_600_000;
const BLOCKS_KEPT: usize = 1_000;
const ACCOUNT_LIMIT: usize = 64;
const CLOCK_OFF_MILLIS: i64 = 45_000;
/// From the answer of a reconciliation to its effect on what verification sees, where it has one.
const RECONCILE_MILLIS: i64 = 5_000;
/// Cells that the game counts and nobody's balance holds, while the totals are to differ.
const UNLISTED_CELLS: i64 = 7;
/// The real node says one line for every transaction; here it is one in so many.
const PRECHECKS_SAID: u64 = 25;
/// Thousandths of a transaction that a flood adds in a tick: 100 transactions a second.
const FLOOD_MILLI_PER_TICK: u64 = 25_000;

/// Something done to the node from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Fault {
        fault: Fault,
        on: bool,
    },
    Service(Verb),
    /// Another process has taken the node's port while the service was down.
    PortTaken,
    /// The chain's stakes were overwritten with the game's.
    Reconciled,
    /// The service came up on other files than it had left: those of this moment of its past.
    Restored(Saved),
    /// systemd starts the node with this `VOLCHAIN_BARRIER_TIMEOUT_MS`, or without it.
    BarrierTimeout(Option<u32>),
}

/// What the node's files hold of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub height: u64,
    /// Transactions sealed so far.
    pub sealed: u64,
    /// Whether the game's files disagree with the chain's.
    pub mismatched: bool,
}

/// A user of the game and of the chain.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub pubkey: Digest,
    pub username: String,
    /// Of the chain.
    pub balance: i64,
    /// Of the game; equal to the balance where all is well.
    pub mined: i64,
    /// Of the game.
    pub used: i64,
    /// Of the chain; equal to `used` where all is well, which nothing verifies.
    pub staked: i64,
}

/// A sealed block's header.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub height: u64,
    pub prev_hash: Digest,
    pub hash: Digest,
    pub transactions_hash: Digest,
    /// By the node's clock.
    pub time: i64,
    pub count: usize,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Dig,
    Undig,
    Stake,
    Unstake,
}

#[derive(Clone, Copy, Debug)]
struct Transaction {
    number: u64,
    account: usize,
    operation: Operation,
}

/// Someone of the game waits until this transaction is sealed.
#[derive(Clone, Copy, Debug)]
struct Barrier {
    number: u64,
    since: i64,
}

/// Counters in the node's memory: a restart sets them to zero.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub barrier_timeouts: u64,
    pub barrier_wait_millis: u64,
    pub user_mismatches: u64,
    pub system_mismatches: u64,
}

/// A simulated node.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) seed: u64,
    pub(super) surface: Surface,
    pub(super) faults: Faults,
    pub(super) accounts: Vec<Account>,
    pub(super) counters: Counters,
    pub(super) blocks: Ring<Block>,
    /// Transactions sealed so far.
    pub(super) sealed: u64,
    /// Shared secret of the administration endpoints; none is right where there is none.
    pub(super) admin_secret: Option<String>,
    random: Random,
    service: Service,
    start: i64,
    lived_until: i64,
    mempool: VecDeque<Transaction>,
    barriers: VecDeque<Barrier>,
    next_number: u64,
    /// Thousandths of a transaction that have not become one yet.
    milli_transactions: u64,
    next_seal: i64,
    /// When what was asked to be reconciled will agree.
    reconciles_at: Option<i64>,
    /// How long the game waits for its transaction to be sealed.
    barrier_millis: i64,
    /// By the node's clock.
    producer_since: i64,
    records: Ring<LogRecord>,
    /// Number of the last record, and bytes of all.
    said: (u64, u64),
}

impl Node {
    /// A node that has been running well until `start`, in milliseconds since the epoch.
    #[must_use]
    pub fn new(seed: u64, surface: Surface, start: i64) -> Node {
        let mut random = Random::new(seed);
        let accounts = (0..24).map(|index| Account::new(seed, index, &mut random)).collect();
        let mut blocks = Ring::new(BLOCKS_KEPT);
        let height = 18_000 + random.below(4_000);
        blocks.push(Block::first(seed, height, start));
        let sealed = height * 3;
        let uptime = i64::try_from(random.below(6 * 3_600_000)).unwrap_or(0) + 3_600_000;
        let mut node = Node {
            seed,
            surface,
            faults: Faults::default(),
            accounts,
            counters: Counters::default(),
            blocks,
            sealed,
            admin_secret: None,
            random,
            service: Service::active(start - uptime),
            start,
            lived_until: start,
            mempool: VecDeque::new(),
            barriers: VecDeque::new(),
            next_number: sealed + 1,
            milli_transactions: 0,
            next_seal: start + SEAL_MILLIS,
            reconciles_at: None,
            barrier_millis: BARRIER_MILLIS,
            producer_since: start - uptime,
            records: Ring::new(RECORDS_KEPT),
            said: (0, 0),
        };
        // The drift that no verification of the real node sees.
        if let Some(account) = node.accounts.first_mut() {
            account.staked -= 5;
        }
        node
    }

    /// The same node, with a secret that opens its administration endpoints.
    #[must_use]
    pub fn with_admin_secret(mut self, secret: &str) -> Node {
        self.admin_secret = Some(secret.to_owned());
        self
    }

    /// Lives until `now`, in milliseconds since the epoch. An earlier moment changes nothing.
    pub fn advance(&mut self, now: i64) {
        if now - self.lived_until > CATCH_UP_MILLIS {
            self.lived_until = now - CATCH_UP_MILLIS;
        }
        while self.lived_until + TICK_MILLIS <= now {
            self.lived_until += TICK_MILLIS;
            self.tick(self.lived_until);
        }
    }

    /// The moment up to which the node has lived.
    #[must_use]
    pub fn lived_until(&self) -> i64 {
        self.lived_until
    }

    /// Lives until `now` and is changed then.
    pub fn apply(&mut self, now: i64, change: Change) {
        self.advance(now);
        let now = now.max(self.lived_until);
        match change {
            Change::Fault { fault, on } => self.switch(now, fault, on),
            Change::Service(verb) => self.command(self.service.after(verb, now)),
            Change::PortTaken => self.command(Service { state: ServiceState::Failed, since: now }),
            Change::Reconciled => self.reconcile(now),
            Change::Restored(saved) => self.restore(now, saved),
            Change::BarrierTimeout(millis) => self.set_barrier(millis),
        }
    }

    /// What it answers like.
    #[must_use]
    pub fn surface(&self) -> Surface {
        self.surface
    }

    /// The faults that are on.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    #[must_use]
    pub fn fault_on(&self, fault: Fault) -> bool {
        self.faults.on(fault)
    }

    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// Whether the node's port is open.
    #[must_use]
    pub fn listening(&self) -> bool {
        self.service.state == ServiceState::Active && self.faults.delivery() != Delivery::Refused
    }

    /// What the node has said since the record of this number, oldest first, as far as it remembers.
    #[must_use]
    pub fn records_after(&self, number: u64) -> Vec<LogRecord> {
        self.records.iter().filter(|record| record.number > number).cloned().collect()
    }

    fn say(&mut self, at_millis: i64, text: String) {
        let (number, end) = (self.said.0 + 1, self.said.1 + text.len() as u64 + 1);
        self.said = (number, end);
        self.records.push(LogRecord { number, at_millis, text, end });
    }

    /// How answers travel.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.faults.delivery()
    }

    #[must_use]
    pub fn height(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.height)
    }

    #[must_use]
    pub fn mempool_size(&self) -> usize {
        self.mempool.len()
    }

    /// The node's own clock.
    #[must_use]
    pub fn clock(&self, now: i64) -> i64 {
        if self.faults.on(Fault::ClockOff) { now + CLOCK_OFF_MILLIS } else { now }
    }

    /// Milliseconds since the producer started; zero where there is none.
    #[must_use]
    pub fn producer_uptime(&self, now: i64) -> i64 {
        if self.faults.on(Fault::ProducerOff) { 0 } else { (self.clock(now) - self.producer_since).max(0) }
    }

    /// Users whose balance differs from what they mined.
    pub(super) fn mismatched(&self) -> usize {
        self.accounts.iter().filter(|account| account.balance != self.in_game(account.mined)).count()
    }

    /// What the game's database says of one user; nothing where it is missing.
    pub(super) fn in_game(&self, value: i64) -> i64 {
        if self.faults.on(Fault::GameMissing) { 0 } else { value }
    }

    /// What was mined, as the game counts it.
    pub(super) fn total_mined(&self) -> i64 {
        let unlisted = if self.faults.on(Fault::CrossMismatch) { UNLISTED_CELLS } else { 0 };
        self.in_game(self.total(|account| account.mined) + unlisted)
    }

    /// Users with a stake in the game.
    pub(super) fn stakers(&self) -> usize {
        self.accounts.iter().filter(|account| self.in_game(account.used) > 0).count()
    }

    /// As it is built, this changes the chain's stakes and nothing else, whatever the game says; the document has it
    /// bring chain and game together.
    fn reconcile(&mut self, now: i64) {
        let missing = self.faults.on(Fault::GameMissing);
        self.accounts.iter_mut().for_each(|account| account.staked = if missing { 0 } else { account.used });
        if self.surface == Surface::Documented && !missing && !self.faults.on(Fault::Stubborn) {
            self.reconciles_at = Some(now + RECONCILE_MILLIS);
        }
    }

    pub(super) fn total(&self, of: impl Fn(&Account) -> i64) -> i64 {
        self.accounts.iter().map(of).sum()
    }

    fn switch(&mut self, now: i64, fault: Fault, on: bool) {
        if self.faults.on(fault) == on {
            return;
        }
        self.faults.switch(now, fault, on);
        if fault == Fault::RestartFails && !on && self.service.state == ServiceState::Failed {
            // Whoever clears this fault is not an operator but the demo itself: what it held down comes up.
            self.command(self.service.after(Verb::Start, now));
        }
        if fault == Fault::ProducerOff && !on {
            self.producer_since = self.clock(now);
            self.next_seal = now + SEAL_MILLIS;
        }
        if fault == Fault::UserMismatch
            && let Some(account) = self.accounts.get_mut(1)
        {
            account.mined += if on { 2 } else { -2 };
        }
    }

    /// What the node's files would hold now.
    #[must_use]
    pub fn saved(&self) -> Saved {
        Saved { height: self.height(), sealed: self.sealed, mismatched: self.faults.on(Fault::UserMismatch) }
    }

    /// Goes on from files of another moment; what waited to be sealed was in the files that are gone.
    fn restore(&mut self, now: i64, saved: Saved) {
        let kept: Vec<Block> = self.blocks.iter().filter(|block| block.height <= saved.height).cloned().collect();
        self.blocks = Ring::new(BLOCKS_KEPT);
        kept.into_iter().for_each(|block| self.blocks.push(block));
        if self.height() != saved.height {
            self.blocks.push(Block::first(self.seed, saved.height, now));
        }
        self.sealed = saved.sealed;
        self.next_number = saved.sealed + 1;
        self.mempool.clear();
        self.barriers.clear();
        self.switch(now, Fault::UserMismatch, saved.mismatched);
        self.switch(now, Fault::GameMissing, false);
    }

    /// The document's node takes the variable; the one that was built waits as long as it always did.
    fn set_barrier(&mut self, millis: Option<u32>) {
        self.barrier_millis = match (self.surface, millis) {
            (Surface::Documented, Some(millis)) => i64::from(millis),
            (Surface::Documented, None) | (Surface::AsBuilt, _) => BARRIER_MILLIS,
        };
    }

    /// A process that ends takes its counters and its barriers with it; its mempool is on disk.
    fn command(&mut self, next: Service) {
        if self.service.state == ServiceState::Active && next.state != ServiceState::Active {
            self.counters = Counters::default();
            self.barriers.clear();
        }
        self.service = next;
    }

    fn tick(&mut self, now: i64) {
        match self.service.settles_at() {
            Some(at) if at <= now => self.come_up(now),
            Some(_) | None => {}
        }
        if self.service.state != ServiceState::Active {
            return;
        }
        if self.reconciles_at.is_some_and(|at| at <= now) {
            self.reconciles_at = None;
            [Fault::UserMismatch, Fault::CrossMismatch].into_iter().for_each(|fault| self.switch(now, fault, false));
        }
        self.receive(now);
        self.seal_if_due(now);
        self.time_out(now);
    }

    fn come_up(&mut self, now: i64) {
        if self.faults.keep_down() {
            self.service = Service { state: ServiceState::Failed, since: now };
            return;
        }
        self.service = Service::active(now);
        self.faults.restart();
        self.producer_since = self.clock(now);
        self.next_seal = now + SEAL_MILLIS;
        self.say(now, "Custom server running at http://0.0.0.0:3001".to_owned());
        self.say(now, format!("VolChain mempool loaded: {} transactions", self.mempool.len()));
        if !self.faults.on(Fault::ProducerOff) {
            self.say(now, "Volchain producer started (mempool mode)".to_owned());
        }
    }

    /// Users send more and less over minutes, and never quite evenly.
    fn receive(&mut self, now: i64) {
        let mut milli = 0;
        if !self.faults.on(Fault::Idle) {
            let phase = (now - self.start).unsigned_abs() % 240_000;
            let wave = phase.min(240_000 - phase) / 400;
            milli += 150 + wave;
        }
        if self.faults.on(Fault::MempoolFlood) {
            milli += FLOOD_MILLI_PER_TICK;
        }
        // Between nothing and twice the rate, so that the mean is the rate.
        self.milli_transactions += self.random.below(2 * milli + 1);
        while self.milli_transactions >= 1_000 {
            self.milli_transactions -= 1_000;
            self.submit(now);
        }
    }

    fn submit(&mut self, now: i64) {
        if self.accounts.len() < ACCOUNT_LIMIT && self.random.once_in(400) {
            let account = Account::newcomer(self.seed, self.accounts.len());
            self.accounts.push(account);
        }
        let account = usize::try_from(self.random.below(self.accounts.len() as u64)).unwrap_or(0);
        let operation = match self.random.below(10) {
            0..=5 => Operation::Dig,
            6 => Operation::Undig,
            7 | 8 => Operation::Stake,
            _ => Operation::Unstake,
        };
        let waits = self.random.once_in(4);
        if self.mempool.len() == MEMPOOL_LIMIT {
            return;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.mempool.push_back(Transaction { number, account, operation });
        if number.is_multiple_of(PRECHECKS_SAID) {
            let user = self.accounts.get(account).map_or("unknown", |account| account.username.as_str());
            self.say(now, format!("[PRECHECK NONCE] type={} reason=game from={user}", operation.name()));
        }
        if waits {
            self.barriers.push_back(Barrier { number, since: now });
        }
    }

    fn seal_if_due(&mut self, now: i64) {
        let stopped = [Fault::ProducerStuck, Fault::StuckAgain, Fault::ProducerOff];
        if now < self.next_seal || stopped.into_iter().any(|fault| self.faults.on(fault)) {
            return;
        }
        // Now and then a block takes long, and some of those who wait for it give up.
        let slow = if self.random.once_in(2_400) { 2_500 } else { 0 };
        let slow = if self.faults.on(Fault::SlowSealing) { SLOW_SEAL_MILLIS } else { slow };
        self.next_seal = now + SEAL_MILLIS + slow;
        if !self.mempool.is_empty() {
            self.seal(now);
        }
    }

    fn seal(&mut self, now: i64) {
        let count = self.mempool.len().min(BLOCK_CAPACITY);
        let first = self.sealed + 1;
        for _ in 0..count {
            if let Some(transaction) = self.mempool.pop_front() {
                self.sealed = transaction.number;
                self.settle(transaction);
            }
        }
        while let Some(barrier) = self.barriers.pop_front_if(|barrier| barrier.number <= self.sealed) {
            self.counters.barrier_wait_millis += (now - barrier.since).unsigned_abs();
        }
        let (height, prev_hash) = match self.blocks.last() {
            Some(last) => (last.height + 1, last.hash.clone()),
            None => (1, Digest::zero()),
        };
        let transactions_hash = Digest::of(format!("transactions {} {first} {}", self.seed, self.sealed).as_bytes());
        let time = self.clock(now);
        let hash = Digest::of(format!("block {height} {prev_hash} {transactions_hash} {time}").as_bytes());
        self.blocks.push(Block { height, prev_hash, hash, transactions_hash, time, count });
        self.guard(now);
    }

    /// Applies a sealed transaction to both the chain and the game.
    fn settle(&mut self, transaction: Transaction) {
        let Some(account) = self.accounts.get_mut(transaction.account) else { return };
        match transaction.operation {
            Operation::Dig => {
                account.balance += 1;
                account.mined += 1;
            }
            Operation::Undig if account.balance > account.used => {
                account.balance -= 1;
                account.mined -= 1;
            }
            Operation::Stake if account.used < account.balance => {
                account.used += 1;
                account.staked += 1;
            }
            Operation::Unstake if account.used > 0 && account.staked > 0 => {
                account.used -= 1;
                account.staked -= 1;
            }
            Operation::Undig | Operation::Stake | Operation::Unstake => {}
        }
    }

    /// The guard checks the invariants after every block.
    fn guard(&mut self, now: i64) {
        let mismatched = self.mismatched();
        self.counters.user_mismatches += mismatched as u64;
        if mismatched > 0 {
            let at = crate::base::Wall(self.clock(now));
            self.say(now, format!("[GUARD FAIL] {at} op_id:block-{} operation:seal", self.height()));
            self.say(now, format!("User mismatches: {mismatched}"));
        }
        if self.total(|account| account.balance) != self.total_mined() {
            self.counters.system_mismatches += 1;
        }
    }

    fn time_out(&mut self, now: i64) {
        while let Some(barrier) = self.barriers.pop_front_if(|barrier| now - barrier.since >= self.barrier_millis) {
            self.counters.barrier_timeouts += 1;
            self.counters.barrier_wait_millis += self.barrier_millis.unsigned_abs();
            let index = barrier.number % 10_000;
            let line = format!("[DIG BARRIER FAILED] username=digger, index={index}, result={{\"timed_out\":true}}");
            self.say(now, line);
        }
    }
}

impl Lives for Node {
    type Change = Change;

    fn lived_until(&self) -> i64 {
        self.lived_until
    }

    fn advance(&mut self, now: i64) {
        Node::advance(self, now);
    }

    fn apply(&mut self, now: i64, change: Change) {
        Node::apply(self, now, change);
    }

    fn answer(&self, now: i64, request: &Request) -> Answer {
        Node::answer(self, now, request)
    }

    fn consequence(&self, request: &Request) -> Option<Change> {
        Node::consequence(self, request)
    }

    fn delivery(&self, _request: &Request) -> Delivery {
        match self.service.state {
            ServiceState::Active => Node::delivery(self),
            ServiceState::Activating | ServiceState::Inactive | ServiceState::Failed => Delivery::Refused,
        }
    }
}

impl Operation {
    /// As the node's code calls it.
    fn name(self) -> &'static str {
        match self {
            Operation::Dig => "dig",
            Operation::Undig => "undig",
            Operation::Stake => "stake",
            Operation::Unstake => "unstake",
        }
    }
}

impl Account {
    fn new(seed: u64, index: usize, random: &mut Random) -> Account {
        let balance = 40 + i64::try_from(random.below(900)).unwrap_or(0);
        let used = balance / 4 + i64::try_from(random.below(20)).unwrap_or(0);
        Account { balance, mined: balance, used, staked: used, ..Account::newcomer(seed, index) }
    }

    fn newcomer(seed: u64, index: usize) -> Account {
        let pubkey = Digest::of(format!("account {seed} {index}").as_bytes());
        Account { pubkey, username: format!("digger-{:02}", index + 1), balance: 0, mined: 0, used: 0, staked: 0 }
    }
}

impl Block {
    fn first(seed: u64, height: u64, time: i64) -> Block {
        let hash = |what: &str| Digest::of(format!("{what} {seed} {height}").as_bytes());
        Block {
            height,
            prev_hash: hash("previous"),
            hash: hash("first"),
            transactions_hash: hash("transactions"),
            time,
            count: 1,
        }
    }
}
