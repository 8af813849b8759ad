package io.rutile.node;

import io.rutile.node.placement.HostPort;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Stands before a port and can be held: then nothing gets through in either direction, and all of it does later. What others ask of
 * the port is late, and so are its answers; what its owner asks of others is not.
 */
final class SlowRelay implements AutoCloseable {

    private final ServerSocket door;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile @Nullable InetSocketAddress target;

    // Guarded by this.
    private boolean held;

    SlowRelay() throws IOException {
        door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start(this::accept);
    }

    HostPort address() {
        return new HostPort("127.0.0.1", door.getLocalPort());
    }

    void to(InetSocketAddress address) {
        target = address;
    }

    synchronized void hold() {
        held = true;
    }

    synchronized void release() {
        held = false;
        notifyAll();
    }

    private synchronized void passHold() throws InterruptedException {
        while (held) {
            wait();
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "slow-relay");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket caller = door.accept();
                open.add(caller);
                InetSocketAddress to = target;
                if (to == null) {
                    caller.close();
                    continue;
                }
                Socket called = new Socket(to.getAddress(), to.getPort());
                open.add(called);
                start(() -> pump(caller, called));
                start(() -> pump(called, caller));
            } catch (IOException e) {
                // Closed, or nobody listens behind it: callers try again.
                continue;
            }
        }
    }

    private void pump(Socket from, Socket to) {
        byte[] buffer = new byte[16 << 10];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                passHold();
                out.write(buffer, 0, read);
            }
        } catch (IOException e) {
            // One end is gone; the other goes with it.
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(from);
            open.remove(to);
        }
    }

    @Override
    public void close() throws IOException {
        release();
        door.close();
        for (Socket socket : open) {
            socket.close();
        }
    }
}
