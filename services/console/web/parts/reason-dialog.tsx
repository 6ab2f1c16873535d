import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../src/api.ts';
import { RequestError } from '../model/requests.ts';
import { ProblemNote } from './problem.tsx';

/** What an operator entered, by the name of the field; `''` for an empty one. */
export type Entered = (name: string) => string;

/** An action that needs a reason. */
export interface Question {
  readonly title: string;
  /** What will happen. */
  readonly text: string;
  /** Who is told the reason. */
  readonly readers: string;
  /** Further fields. */
  readonly fields?: ComponentChildren;
  /** Resolves with what was done. Rejects with `RequestError`. */
  readonly onConfirm: (why: string, entered: Entered) => Promise<string>;
}

interface ReasonButtonProps {
  /** On the button, and on that of the dialog. */
  readonly action: string;
  /** The action with its target, for screen readers. */
  readonly name: string;
  /** Whether it takes something away. */
  readonly isDanger: boolean;
  /** Called at the click: the action is about what the operator saw then. */
  readonly ask: () => Question;
  /** Shows what was done. */
  readonly say: (text: string) => void;
}

/** A button whose action needs a reason, which is recorded with the user. */
export function ReasonButton({ action, name, isDanger, ask, say }: ReasonButtonProps) {
  const [question, setQuestion] = useState<Question>();
  const style = isDanger ? 'danger' : '';
  const close = (done?: string): void => {
    setQuestion(undefined);
    if (done !== undefined) say(done);
  };
  return (
    <>
      <button type="button" class={style} aria-label={name} onClick={() => setQuestion(ask())}>
        {action}
      </button>
      {question && <ReasonDialog {...question} action={action} style={style} onClose={close} />}
    </>
  );
}

interface ReasonDialogProps extends Question {
  readonly action: string;
  readonly style: string;
  /** With what was done, or nothing. */
  readonly onClose: (done?: string) => void;
}

function ReasonDialog(props: ReasonDialogProps) {
  const { title, text, readers, fields, action, style, onConfirm, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => dialog.current?.showModal(), []);
  const confirm = async (form: HTMLFormElement): Promise<void> => {
    const entered = enteredIn(form);
    setBusy(true);
    setProblem(undefined);
    try {
      onClose(await onConfirm(entered('why'), entered));
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
          void confirm(event.currentTarget);
        }}
      >
        <h2 id="dialog-title">{title}</h2>
        <p>{text}</p>
        {fields}
        <label for="why">Reason, for {readers}</label>
        <input id="why" name="why" required maxLength={256} pattern=".*\S.*" autocomplete="off" />
        <ProblemNote problem={problem} />
        <div class="buttons">
          <button type="button" onClick={() => onClose()}>
            Cancel
          </button>
          <button type="submit" class={style} disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function enteredIn(form: HTMLFormElement): Entered {
  const data = new FormData(form);
  return (name) => {
    const value = data.get(name);
    return typeof value === 'string' ? value.trim() : '';
  };
}
