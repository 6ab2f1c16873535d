import type { Subscription } from '@mgm/nats';
import { pack, unpack, type Fields } from './raw-codec.ts';
import type { RawSession } from './raw-client.ts';

/** What a session answers to a question; `undefined`: nothing. */
type Answer = (question: Fields) => object | undefined | Promise<object | undefined>;

/** The questions that a session was asked since it subscribed, each answered by a function. */
export class RawAnswers implements Disposable {
  readonly questions: Fields[] = [];
  readonly #subscription: Subscription;

  constructor({ router, session }: RawSession, answer: Answer) {
    const subject = `${router.prefix}.${router.name}.ask.${session}`;
    this.#subscription = router.nats.subscribe(subject, {
      callback: (_, message) => {
        const question = unpack(message.data) as Fields;
        this.questions.push(question);
        void Promise.resolve(answer(question)).then((fields) => {
          if (fields !== undefined) message.respond(pack(fields));
        });
      },
    });
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }
}
