import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";

/** Text in Markdown; HTML in it is shown as text, and links of other kinds than web addresses are dead. */
export default function Markdown({ source }: { source: string }) {
  return (
    <div className="markdown">
      <ReactMarkdown remarkPlugins={[remarkGfm]}>{source}</ReactMarkdown>
    </div>
  );
}
