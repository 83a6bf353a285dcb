package irkit;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.StopFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.ar.ArabicAnalyzer;
import org.apache.lucene.analysis.bg.BulgarianAnalyzer;
import org.apache.lucene.analysis.bn.BengaliAnalyzer;
import org.apache.lucene.analysis.ca.CatalanAnalyzer;
import org.apache.lucene.analysis.cjk.CJKAnalyzer;
import org.apache.lucene.analysis.ckb.SoraniAnalyzer;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.analysis.cz.CzechAnalyzer;
import org.apache.lucene.analysis.da.DanishAnalyzer;
import org.apache.lucene.analysis.de.GermanAnalyzer;
import org.apache.lucene.analysis.el.GreekAnalyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.es.SpanishAnalyzer;
import org.apache.lucene.analysis.et.EstonianAnalyzer;
import org.apache.lucene.analysis.eu.BasqueAnalyzer;
import org.apache.lucene.analysis.fa.PersianAnalyzer;
import org.apache.lucene.analysis.fi.FinnishAnalyzer;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.ga.IrishAnalyzer;
import org.apache.lucene.analysis.gl.GalicianAnalyzer;
import org.apache.lucene.analysis.hi.HindiAnalyzer;
import org.apache.lucene.analysis.hu.HungarianAnalyzer;
import org.apache.lucene.analysis.hy.ArmenianAnalyzer;
import org.apache.lucene.analysis.id.IndonesianAnalyzer;
import org.apache.lucene.analysis.it.ItalianAnalyzer;
import org.apache.lucene.analysis.ja.JapaneseAnalyzer;
import org.apache.lucene.analysis.lt.LithuanianAnalyzer;
import org.apache.lucene.analysis.lv.LatvianAnalyzer;
import org.apache.lucene.analysis.morfologik.MorfologikAnalyzer;
import org.apache.lucene.analysis.ne.NepaliAnalyzer;
import org.apache.lucene.analysis.nl.DutchAnalyzer;
import org.apache.lucene.analysis.no.NorwegianAnalyzer;
import org.apache.lucene.analysis.pt.PortugueseAnalyzer;
import org.apache.lucene.analysis.ro.RomanianAnalyzer;
import org.apache.lucene.analysis.ru.RussianAnalyzer;
import org.apache.lucene.analysis.sr.SerbianAnalyzer;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.sv.SwedishAnalyzer;
import org.apache.lucene.analysis.ta.TamilAnalyzer;
import org.apache.lucene.analysis.te.TeluguAnalyzer;
import org.apache.lucene.analysis.th.ThaiAnalyzer;
import org.apache.lucene.analysis.th.ThaiTokenizer;
import org.apache.lucene.analysis.tr.TurkishAnalyzer;
import org.apache.lucene.analysis.uk.UkrainianMorfologikAnalyzer;

/** The analysers by name. Analysers are thread safe, so each is made once and shared. */
public final class Analyzers {
  private static final String NAMES =
      "ar bg bn ca ckb cs da de el english english-krovetz english-nostem es et eu fa fi fr ga gl "
          + "hi hu hy id it ja ko lt lv ne nl no pl pt ro ru sr sv ta te th tr uk whitespace zh";
  private static final Map<String, Analyzer> MADE = new ConcurrentHashMap<>();

  private Analyzers() {}

  /** Returns the one analyser of this name. */
  public static Analyzer byName(String name) {
    Analyzer made = MADE.get(name);
    if (made == null) {
      made = make(name);
      Analyzer first = MADE.putIfAbsent(name, made);
      made = first == null ? made : first;
    }
    return made;
  }

  /** Returns all names, joined by spaces. */
  public static String names() {
    // Thai needs a word breaker that small JREs leave out.
    return ThaiTokenizer.DBBI_AVAILABLE ? NAMES : NAMES.replace(" th ", " ");
  }

  /** Puts the filters of an English analyser, or of `whitespace`, which has none, over a stream of tokens. */
  static TokenStream filters(String name, TokenStream tokens) {
    return name.equals("whitespace") ? tokens : ((English) byName(name)).filters(tokens);
  }

  /** Makes an analyser. A table of constructors would link all of them at every start, which takes longer than a search. */
  private static Analyzer make(String name) {
    switch (name) {
      case "english":
        return new English(PorterStemFilter::new);
      case "english-krovetz":
        return new English(KStemFilter::new);
      case "english-nostem":
        return new English(stream -> stream);
      case "whitespace":
        return new WhitespaceAnalyzer();
      case "ar":
        return new ArabicAnalyzer();
      case "bg":
        return new BulgarianAnalyzer();
      case "bn":
        return new BengaliAnalyzer();
      case "ca":
        return new CatalanAnalyzer();
      case "ckb":
        return new SoraniAnalyzer();
      case "cs":
        return new CzechAnalyzer();
      case "da":
        return new DanishAnalyzer();
      case "de":
        return new GermanAnalyzer();
      case "el":
        return new GreekAnalyzer();
      case "es":
        return new SpanishAnalyzer();
      case "et":
        return new EstonianAnalyzer();
      case "eu":
        return new BasqueAnalyzer();
      case "fa":
        return new PersianAnalyzer();
      case "fi":
        return new FinnishAnalyzer();
      case "fr":
        return new FrenchAnalyzer();
      case "ga":
        return new IrishAnalyzer();
      case "gl":
        return new GalicianAnalyzer();
      case "hi":
        return new HindiAnalyzer();
      case "hu":
        return new HungarianAnalyzer();
      case "hy":
        return new ArmenianAnalyzer();
      case "id":
        return new IndonesianAnalyzer();
      case "it":
        return new ItalianAnalyzer();
      case "ja":
        return new JapaneseAnalyzer();
      case "ko":
        return new CJKAnalyzer();
      case "lt":
        return new LithuanianAnalyzer();
      case "lv":
        return new LatvianAnalyzer();
      case "ne":
        return new NepaliAnalyzer();
      case "nl":
        return new DutchAnalyzer();
      case "no":
        return new NorwegianAnalyzer();
      case "pl":
        return new MorfologikAnalyzer();
      case "pt":
        return new PortugueseAnalyzer();
      case "ro":
        return new RomanianAnalyzer();
      case "ru":
        return new RussianAnalyzer();
      case "sr":
        return new SerbianAnalyzer();
      case "sv":
        return new SwedishAnalyzer();
      case "ta":
        return new TamilAnalyzer();
      case "te":
        return new TeluguAnalyzer();
      case "th":
        return new ThaiAnalyzer();
      case "tr":
        return new TurkishAnalyzer();
      case "uk":
        return new UkrainianMorfologikAnalyzer();
      case "zh":
        return new CJKAnalyzer();
      default:
        throw new IllegalArgumentException("no analyser " + name);
    }
  }

  private interface Stemmer {
    TokenStream over(TokenStream stream);
  }

  /** Anserini's DefaultEnglishAnalyzer: standard tokens, no possessive 's, lower case, 33 stop words, a stemmer. */
  private static final class English extends Analyzer {
    private final Stemmer stemmer;

    English(Stemmer stemmer) {
      this.stemmer = stemmer;
    }

    @Override
    protected TokenStreamComponents createComponents(String field) {
      Tokenizer tokens = new StandardTokenizer();
      return new TokenStreamComponents(tokens, filters(tokens));
    }

    TokenStream filters(TokenStream tokens) {
      TokenStream stream = new LowerCaseFilter(new EnglishPossessiveFilter(tokens));
      return stemmer.over(new StopFilter(stream, EnglishAnalyzer.ENGLISH_STOP_WORDS_SET));
    }

    @Override
    protected TokenStream normalize(String field, TokenStream stream) {
      return new LowerCaseFilter(stream);
    }
  }
}
