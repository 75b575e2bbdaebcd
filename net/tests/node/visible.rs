//! Somebody visible is found, asked and knocked at by mDNS. Loopback carries no multicast, so the test makes itself a network
//! namespace with one interface that does; where the system forbids that, it says so and checks nothing.

use std::process::Command as Process;

use conclave_net::{AskError, Browser, BrowserEvent, Node, NodeEvent, Role};
use conclave_proto::core::Event;

use crate::support::{config, wait_for};

const INSIDE: &str = "CONCLAVE_TEST_INSIDE_NAMESPACE";
const NETWORK: &str = "ip link set lo up && ip link add lan0 type veth peer name lan1 && ip link set lan1 up && ip addr add 10.77.0.1/24 dev lan0 && \
    ip addr add fd77::1/64 dev lan0 nodad && ip link set lan0 up multicast on";

/// Runs the test of this name again, inside a namespace of its own. False: the system forbids it.
fn in_namespace(test: &str) -> bool {
    let available = Process::new("unshare").args(["-rn", "sh", "-c", NETWORK]).output();
    if !available.is_ok_and(|output| output.status.success()) {
        return false;
    }
    let program = std::env::current_exe().expect("a path");
    let script = format!("{NETWORK} && exec \"$0\" --exact {test} --nocapture");
    let status = Process::new("unshare").args(["-rn", "sh", "-c", &script]).arg(program).env(INSIDE, "1").status();
    assert!(status.expect("unshare").success(), "failed inside the namespace");
    true
}

#[test]
fn somebody_visible_is_found_asked_and_gone() {
    if std::env::var_os(INSIDE).is_none() {
        if !in_namespace("visible::somebody_visible_is_found_asked_and_gone") {
            eprintln!("SKIPPED: this system does not let the test make a network namespace");
        }
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut hidden_config = config("Hidden", Role::New);
        hidden_config.visible = false;
        let (_hidden, _hidden_events) = Node::start(hidden_config).await.expect("a node");
        let mut visible_config = config("Ada", Role::New);
        visible_config.visible = true;
        let (ada, mut ada_events) = Node::start(visible_config).await.expect("a node");
        let (browser, mut news) = Browser::start().expect("a browser");

        let found = wait_for("somebody visible", news.recv()).await.expect("the browser runs");
        let BrowserEvent::Found { id, name } = found else { panic!("gone before found") };
        assert_eq!(name, "Ada");

        let invite = browser.ask(id).await.expect("an invite");
        let (_bob, _bob_events) = Node::start(config("Bob", Role::Join(invite))).await.expect("a node");
        wait_for("the knock", async {
            loop {
                let event = ada_events.control.recv().await.expect("the node runs");
                if let NodeEvent::Core(Event::Knock { name, .. }) = event {
                    assert_eq!(name, "Bob");
                    return;
                }
            }
        })
        .await;

        ada.set_visible(false);
        // Both go through the same thread in this order, so she is hidden once this comes back.
        while browser.ask(id).await != Err(AskError::NotVisible) {}
        let gone = wait_for("her to disappear", news.recv()).await.expect("the browser runs");
        assert_eq!(gone, BrowserEvent::Gone { id });
    });
}
