import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../src/api.ts';
import { RequestError } from '../model/requests.ts';
import { ProblemNote } from './problem.tsx';

interface ReasonDialogProps {
  readonly title: string;
  /** What will happen. */
  readonly text: string;
  /** The label of the button. */
  readonly action: string;
  /** Rejects with `RequestError`. */
  readonly onConfirm: (why: string) => Promise<string>;
  /** With what was done, or nothing. */
  readonly onClose: (done?: string) => void;
}

/** Asks for the reason of an action, which is recorded with the user. */
export function ReasonDialog({ title, text, action, onConfirm, onClose }: ReasonDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [why, setWhy] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => dialog.current?.showModal(), []);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      onClose(await onConfirm(why.trim()));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      setProblem(error.problem);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={() => onClose()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <h2 id="dialog-title">{title}</h2>
        <p>{text}</p>
        <label for="why">Reason, for the logs and the former owner</label>
        <input
          id="why"
          required
          maxLength={256}
          pattern=".*\S.*"
          value={why}
          autocomplete="off"
          onInput={(event) => setWhy(event.currentTarget.value)}
        />
        <ProblemNote problem={problem} />
        <div class="buttons">
          <button type="button" onClick={() => onClose()}>
            Cancel
          </button>
          <button type="submit" class="danger" disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
