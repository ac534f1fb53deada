import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import { Fault } from "../parts/Notice.tsx";
import { PageHead } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import {
  ActionFields,
  NameFields,
  TriggerFields,
  automationOf,
  faultOfActions,
  useChoices,
  type AutomationDraft,
} from "./AutomationForm.tsx";
import { TextPreview } from "./TextPreview.tsx";
import { Trial } from "./Trial.tsx";
import { EMPTY, PRESETS, triggerOf } from "./triggers.ts";

const STEPS = ["When", "Then", "Name"] as const;

/** Makes an automation in three steps, and shows beside them what it would have done. */
export function NewAutomationPage() {
  const [{ event }] = useAddress();
  const [step, setStep] = useState(0);
  const [draft, setDraft] = useState<AutomationDraft>(() => ({
    name: "",
    description: "",
    enabled: true,
    trigger: { ...EMPTY, expect: event ?? "" },
    actions: [],
  }));
  const [wrong, setWrong] = useState<Error>();
  const choices = useChoices();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const change = (part: Partial<AutomationDraft>) => setDraft((old) => ({ ...old, ...part }));
  const made = useMemo(() => {
    try {
      return { automation: { trigger: triggerOf(draft.trigger) }, wrong: undefined };
    } catch (error) {
      return { automation: undefined, wrong: (error as Error).message };
    }
  }, [draft.trigger]);
  const save = useMutation({
    mutationFn: async () => call("CreateAutomation", { automation: automationOf(draft) }),
    onSuccess: async ({ automation }) => {
      await queries.invalidateQueries({ queryKey: ["automations"] });
      tell("The automation was made");
      if (automation !== undefined)
        void navigate({ to: "/automations/$automationId", params: { automationId: automation.automation_id } });
    },
  });
  const goOn = () => {
    setWrong(undefined);
    const fault = step === 0 ? made.wrong : step === 1 ? faultOfActions(draft.actions, choices) : undefined;
    if (fault !== undefined) setWrong(new Error(fault));
    else if (step < STEPS.length - 1) setStep(step + 1);
    else save.mutate();
  };
  const shown = wrong ?? save.error;
  return (
    <>
      <PageHead title="New automation" from={{ to: "/automations", label: "Automations" }} />
      <ol className="stepper" aria-label="Steps">
        {STEPS.map((name, index) => (
          <li key={name} aria-current={index === step ? "step" : undefined}>
            <button type="button" disabled={index > step} onClick={() => setStep(index)}>
              <span className="stepper-number">{index + 1}</span>
              {name}
            </button>
          </li>
        ))}
      </ol>
      <div className="two-columns">
        <form
          className="panel-form"
          noValidate
          onSubmit={(submitted) => {
            submitted.preventDefault();
            goOn();
          }}
        >
          {step === 0 && (
            <>
              <ul className="presets" aria-label="Begin with">
                {PRESETS.map((preset) => (
                  <li key={preset.label}>
                    <button
                      type="button"
                      className="card preset"
                      onClick={() => change({ trigger: { ...EMPTY, ...preset.draft }, name: draft.name === "" ? preset.name : draft.name })}
                    >
                      <strong>{preset.label}</strong>
                      <span className="quiet">{preset.note}</span>
                    </button>
                  </li>
                ))}
              </ul>
              <TriggerFields draft={draft.trigger} onChange={(trigger) => change({ trigger })} />
            </>
          )}
          {step === 1 && (
            <ActionFields
              actions={draft.actions}
              choices={choices}
              canResolve={draft.trigger.kind !== "events"}
              onChange={(actions) => change({ actions })}
            />
          )}
          {step === 2 && <NameFields draft={draft} onChange={change} />}
          {shown !== null && <Fault error={shown} />}
          <div className="modal-foot">
            {step > 0 && (
              <button type="button" className="button" onClick={() => setStep(step - 1)}>
                Back
              </button>
            )}
            <button type="submit" className="button button-main" disabled={save.isPending}>
              {step < STEPS.length - 1 ? "Go on" : "Make the automation"}
            </button>
          </div>
        </form>
        <div className="side-panel">
          <Trial automation={made.automation} wrong={made.wrong} />
          {step === 1 && <TextPreview actions={draft.actions} trigger={made.automation?.trigger} />}
        </div>
      </div>
    </>
  );
}
