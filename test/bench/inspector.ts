/** A session with workerd's inspector, in the Chrome DevTools protocol. */
export interface Inspector {
  call<T>(method: string, params?: object): Promise<T>;
  /** Sends a command that the runtime carries out but never answers. */
  notify(method: string): void;
  close(): void;
}

const CALL_TIMEOUT_MS = 60_000;

interface Message {
  id?: number;
  result?: unknown;
  error?: { message: string };
}

/** Attaches to the only worker behind an inspector's address. */
export async function inspect(address: string): Promise<Inspector> {
  const socket = new WebSocket(`ws://${address}/main`);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error('no inspector')), { once: true });
  });
  const pending = new Map<number, (message: Message) => void>();
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id === undefined) return;
    pending.get(message.id)?.(message);
    pending.delete(message.id);
  });
  let lastId = 0;
  return {
    call<T>(method: string, params: object = {}) {
      const id = ++lastId;
      return new Promise<T>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${method}: no answer from the inspector`)),
          CALL_TIMEOUT_MS,
        );
        pending.set(id, ({ result, error }) => {
          clearTimeout(timer);
          if (error) reject(new Error(`${method}: ${error.message}`));
          else resolve(result as T);
        });
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
    notify: (method) => socket.send(JSON.stringify({ id: ++lastId, method })),
    close: () => socket.close(),
  };
}
