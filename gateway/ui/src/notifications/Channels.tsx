import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Channel, ChannelKind, TestChannelResponse } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { secondsOf, spanText } from "../api/times.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Mark } from "../parts/PageHead.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { ChannelDialog } from "./ChannelDialog.tsx";
import { policyText } from "./policies.ts";

/** The channels, each with a button to try it. */
export function Channels() {
  const [asked, setAsked] = useState<{ kind: ChannelKind; channel: Channel | undefined }>();
  const list = usePaged("ListChannels", "channels", {}, (page) => page.channels);
  const kinds = useQuery({
    queryKey: ["channel-kinds"],
    queryFn: ({ signal }) => call("GetChannelKinds", {}, signal),
  });
  const known = kinds.data?.kinds ?? [];
  const error = list.error ?? kinds.error;
  return (
    <div className="sections">
      {error !== null && <Fault error={error} onRetry={list.refetch} />}
      {list.isPending && error === null && <Loading what="channels" />}
      {list.rows.length > 0 && (
        <ul className="cards" aria-label="Channels">
          {list.rows.map((channel) => {
            const kind = known.find((item) => item.kind === channel.kind);
            return (
              <li key={channel.channel_id} className="card">
                <ChannelCard channel={channel} kind={kind} onEdit={() => kind !== undefined && setAsked({ kind, channel })} />
              </li>
            );
          })}
        </ul>
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && error === null && (
        <Empty title="Nobody is told yet">
          <p>A channel is where messages go: a chat, mails, an incident service, a URL. Pick one of these, try it, and let automations send to it.</p>
        </Empty>
      )}
      {known.length > 0 && (
        <section>
          <h2>New channel</h2>
          <ul className="card-grid">
            {known.map((kind) => (
              <li key={kind.kind} className="card">
                <div className="card-text">
                  <p className="card-title">{kind.title}</p>
                  <p className="quiet">{kind.description}</p>
                </div>
                <button type="button" className="button" aria-label={`New ${kind.title}`} onClick={() => setAsked({ kind, channel: undefined })}>
                  <Icon name="plus" />
                  New
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {asked !== undefined && (
        <ChannelDialog kind={asked.kind} channel={asked.channel} channels={list.rows} onClose={() => setAsked(undefined)} />
      )}
    </div>
  );
}

interface ChannelCardProps {
  channel: Channel;
  kind: ChannelKind | undefined;
  onEdit: () => void;
}

function ChannelCard({ channel, kind, onEdit }: ChannelCardProps) {
  const queries = useQueryClient();
  const [, change] = useAddress();
  const [isDeleting, setDeleting] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: ["channels"] });
  const test = useMutation({ mutationFn: () => call("TestChannel", { channel_id: channel.channel_id }) });
  const flip = useMutation({
    mutationFn: () =>
      call("UpdateChannel", {
        channel: { channel_id: channel.channel_id, paused: !channel.paused },
        update_mask: "paused",
      }),
    onSuccess: refresh,
    onError: (error) => tellFault("The channel could not be changed", error),
  });
  return (
    <>
      <div className="card-text">
        <p className="card-title">
          {channel.name}
          {channel.paused ? <Mark look="paused" label="Paused" /> : <Mark look="completed" label="On" />}
        </p>
        <p className="quiet">
          {kind?.title ?? channel.kind}
          {channel.description !== "" && ` · ${channel.description}`}
          {policyText(channel.policy) !== "" && ` · ${policyText(channel.policy)}`}
          {channel.held_until !== undefined && (
            <>
              {" · held back by its receiver until "}
              <Moment at={channel.held_until} />
            </>
          )}
        </p>
        {test.data !== undefined && <Answer answer={test.data} />}
        {test.error !== null && <Fault error={test.error} />}
      </div>
      <span className="actions wrapping">
        <button type="button" className="button" disabled={test.isPending} aria-label={`Send a test to ${channel.name}`} onClick={() => test.mutate()}>
          {test.isPending ? "Sending …" : "Send a test"}
        </button>
        <button type="button" className="button" aria-label={`Messages to ${channel.name}`} onClick={() => change({ tab: "deliveries", channel: channel.channel_id }, true)}>
          Messages
        </button>
        <button type="button" className="button" disabled={flip.isPending} aria-label={`${channel.paused ? "Resume" : "Pause"} ${channel.name}`} onClick={() => flip.mutate()}>
          {channel.paused ? "Resume" : "Pause"}
        </button>
        <button type="button" className="button" aria-label={`Change ${channel.name}`} disabled={kind === undefined} onClick={onEdit}>
          <Icon name="edit" />
        </button>
        <button type="button" className="button" aria-label={`Delete ${channel.name}`} onClick={() => setDeleting(true)}>
          <Icon name="trash" />
        </button>
      </span>
      <ConfirmDialog
        title={`Delete ${channel.name}?`}
        action="Delete the channel"
        typedName={channel.name}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteChannel", { channel_id: channel.channel_id });
          tell(`${channel.name} was deleted`);
          await refresh();
        }}
      >
        <p>What waits to be sent to it is not sent. This cannot be undone, as nobody can read its secrets.</p>
      </ConfirmDialog>
    </>
  );
}

/** What came of a test. */
function Answer({ answer }: { answer: TestChannelResponse }) {
  const took = answer.took === undefined ? "" : ` after ${spanText(secondsOf(answer.took) ?? 0)}`;
  return (
    <p className="answer" role="status">
      <Mark look={answer.delivered ? "completed" : "failed"} label={answer.delivered ? "It arrived" : "It did not arrive"} />{" "}
      <span className="quiet">{`${answer.status_code > 0 ? `${answer.status_code} ` : ""}${answer.answer}${took}`}</span>
    </p>
  );
}
