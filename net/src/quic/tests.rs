//! Our transport against the stock libp2p-quic, in both directions, with sealed datagrams and garbage on the same port.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::core::Transport as _;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::identity::Keypair;
use libp2p::swarm::{DialError, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Listening, QuicConfig, QuicTransport, to_multiaddr};
use crate::egress::Egress;
use crate::socket::{BoundSockets, Received, Sockets, UdpPort};

const ECHO: StreamProtocol = StreamProtocol::new("/conclave/test-echo/1");
const DEADLINE: Duration = Duration::from_secs(30);

type TestSwarm = Swarm<libp2p_stream::Behaviour>;

/// A node with our transport; its sockets are read until the test ends.
struct Ours {
    swarm: TestSwarm,
    address: SocketAddr,
    port: Arc<UdpPort>,
    sealed: mpsc::Receiver<Vec<u8>>,
}

fn ours(lan_only: bool) -> Ours {
    let keypair = Keypair::generate_ed25519();
    let egress = Arc::new(Egress::new(lan_only));
    let sockets = BoundSockets::bind(0, lan_only).expect("a port").register(&egress).expect("a runtime");
    let address = SocketAddr::from(([127, 0, 0, 1], sockets.port));
    let (mut listen, addresses) = futures::channel::mpsc::channel(1);
    listen.try_send(vec![address]).expect("room");
    let config = QuicConfig::new(&keypair).expect("a config");
    let transport = QuicTransport::new(config, sockets.clone(), Listening::At(addresses)).expect("a transport");
    let transport = transport.map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection))).boxed();
    let mut swarm = swarm(&keypair, transport);
    swarm.listen_on(to_multiaddr(SocketAddr::from(([0, 0, 0, 0], sockets.port)))).expect("our port");
    let port = Arc::clone(sockets.v4.as_ref().expect("IPv4"));
    let (to_test, sealed) = mpsc::channel(4096);
    tokio::spawn(read(sockets, to_test));
    Ours { swarm, address, port, sealed }
}

async fn read(sockets: Sockets, sealed: mpsc::Sender<Vec<u8>>) {
    let mut received = Received::default();
    let port = sockets.v4.as_ref().expect("IPv4");
    while port.readable().await.is_ok() {
        let mut ours = Vec::new();
        while port.receive(&mut received, |_, _, datagram| ours.push(datagram.to_vec())).expect("a healthy socket") {}
        for datagram in ours {
            if sealed.send(datagram).await.is_err() {
                return;
            }
        }
    }
}

/// A node with the stock transport.
fn stock() -> TestSwarm {
    let keypair = Keypair::generate_ed25519();
    let transport = libp2p_quic::tokio::Transport::new(libp2p_quic::Config::new(&keypair));
    let transport = transport.map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection))).boxed();
    swarm(&keypair, transport)
}

fn swarm(keypair: &Keypair, transport: Boxed<(PeerId, StreamMuxerBox)>) -> TestSwarm {
    let config = libp2p::swarm::Config::with_tokio_executor();
    Swarm::new(transport, libp2p_stream::Behaviour::new(), keypair.public().to_peer_id(), config)
}

async fn listen_address(swarm: &mut TestSwarm) -> Multiaddr {
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return address;
        }
    }
}

/// Runs a swarm that echoes whatever comes on a stream.
fn run_echo(mut swarm: TestSwarm) {
    let mut streams = swarm.behaviour().new_control().accept(ECHO).expect("not yet registered");
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = swarm.select_next_some() => {}
                Some((_, stream)) = streams.next() => {
                    tokio::spawn(async move {
                        let (mut reader, mut writer) = stream.split();
                        futures::io::copy(&mut reader, &mut writer).await.expect("the asker stays");
                        writer.close().await.expect("the asker stays");
                    });
                }
            }
        }
    });
}

/// Dials, sends `bytes` on a stream and expects them back.
async fn ask_echo(mut swarm: TestSwarm, peer: PeerId, address: Multiaddr, bytes: Vec<u8>) {
    let mut control = swarm.behaviour().new_control();
    swarm.dial(address.with_p2p(peer).expect("no other peer")).expect("a dial");
    let running = tokio::spawn(async move { while swarm.next().await.is_some() {} });
    let stream = control.open_stream(peer, ECHO).await.expect("a stream");
    let (mut reader, mut writer) = stream.split();
    let sent = bytes.clone();
    let writing = async move {
        writer.write_all(&sent).await.expect("written");
        writer.close().await.expect("closed");
    };
    let mut echoed = Vec::new();
    let (outcome, ()) = futures::join!(reader.read_to_end(&mut echoed), writing);
    outcome.expect("read");
    assert!(echoed == bytes, "the echo differs");
    running.abort();
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn the_stock_transport_dials_ours() {
    timeout(DEADLINE, async {
        let Ours { mut swarm, sealed: _sealed, .. } = ours(false);
        let (peer, address) = (*swarm.local_peer_id(), listen_address(&mut swarm).await);
        run_echo(swarm);
        ask_echo(stock(), peer, address, pattern(300_000)).await;
    })
    .await
    .expect("in time");
}

#[tokio::test]
async fn ours_dials_the_stock_transport() {
    timeout(DEADLINE, async {
        let mut stock = stock();
        stock.listen_on("/ip4/127.0.0.1/udp/0/quic-v1".parse().expect("a multiaddr")).expect("a port");
        let (peer, address) = (*stock.local_peer_id(), listen_address(&mut stock).await);
        run_echo(stock);
        let Ours { swarm, sealed: _sealed, .. } = ours(false);
        ask_echo(swarm, peer, address, pattern(300_000)).await;
    })
    .await
    .expect("in time");
}

#[tokio::test]
async fn sealed_datagrams_and_quic_share_the_port() {
    timeout(DEADLINE, async {
        let Ours { mut swarm, address, mut sealed, .. } = ours(false);
        let (peer, listening) = (*swarm.local_peer_id(), listen_address(&mut swarm).await);
        run_echo(swarm);
        let media = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        // Each waits for the one before, so that no kernel buffer overflows and none may be missing.
        let sending = async {
            for number in 0..500_u32 {
                let mut datagram = vec![0x20; 1200];
                datagram[1..5].copy_from_slice(&number.to_be_bytes());
                media.send_to(&datagram, address).await.expect("sent");
                assert_eq!(sealed.recv().await.expect("the reader runs"), datagram);
            }
        };
        futures::join!(sending, ask_echo(stock(), peer, listening, pattern(1_000_000)));
    })
    .await
    .expect("in time");
}

#[tokio::test]
async fn garbage_gets_no_answer() {
    timeout(DEADLINE, async {
        let Ours { mut swarm, address, port, sealed: _sealed } = ours(false);
        let (peer, listening) = (*swarm.local_peer_id(), listen_address(&mut swarm).await);
        run_echo(swarm);
        let stranger = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        stranger.set_nonblocking(true).expect("a socket");
        for first in 0..=u8::MAX {
            for length in [1, 7, 64, 1200, 1400] {
                let mut datagram: Vec<u8> = pattern(length).iter().map(|byte| byte.wrapping_mul(first | 1)).collect();
                datagram[0] = first;
                stranger.send_to(&datagram, address).expect("sent");
            }
        }
        // A version that nobody speaks, in a datagram large enough to be answered by a careless server.
        let mut other_version = vec![0; 1400];
        other_version[..6].copy_from_slice(&[0xc0, 0xba, 0xba, 0xba, 0xba, 8]);
        stranger.send_to(&other_version, address).expect("sent");
        // Whoever is in order is served after all of that; by then every answer would be there.
        ask_echo(stock(), peer, listening, pattern(1000)).await;
        let answer = stranger.recv_from(&mut [0; 2000]).map_err(|error| error.kind());
        assert_eq!(answer, Err(std::io::ErrorKind::WouldBlock));
        // The kernel may have lost some of the flood, but most of it arrived and was nobody's.
        assert!(port.dropped() > 100, "{} dropped", port.dropped());
    })
    .await
    .expect("in time");
}

#[tokio::test]
async fn another_peer_at_the_address_is_not_accepted() {
    timeout(DEADLINE, async {
        let mut stock = stock();
        stock.listen_on("/ip4/127.0.0.1/udp/0/quic-v1".parse().expect("a multiaddr")).expect("a port");
        let address = listen_address(&mut stock).await;
        run_echo(stock);
        let Ours { mut swarm, sealed: _sealed, .. } = ours(false);
        swarm.dial(address.with_p2p(PeerId::random()).expect("no peer yet")).expect("a dial");
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { .. } => panic!("connected to somebody else"),
                SwarmEvent::OutgoingConnectionError { .. } => return,
                _ => {}
            }
        }
    })
    .await
    .expect("in time");
}

#[tokio::test]
async fn lan_only_does_not_dial_elsewhere() {
    let Ours { mut swarm, sealed: _sealed, .. } = ours(true);
    let elsewhere: Multiaddr = "/ip4/198.51.100.1/udp/7/quic-v1".parse().expect("a multiaddr");
    swarm.dial(elsewhere).expect("tried");
    let refused = timeout(DEADLINE, async {
        loop {
            if let SwarmEvent::OutgoingConnectionError { error, .. } = swarm.select_next_some().await {
                return matches!(error, DialError::Transport(_));
            }
        }
    });
    assert!(refused.await.expect("in time"));
}
